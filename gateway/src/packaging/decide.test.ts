import { describe, expect, it } from 'vitest';
import { parseFfprobe, type IndexFacts, type MediaInfo } from '@reelay/contracts';
import { decidePlayback, type PlaybackQuestion } from './decide.ts';

const h264 = { codec_type: 'video', codec_name: 'h264', profile: 'High', level: 31, pix_fmt: 'yuv420p', width: 1280, height: 720 };
const sound = (codec: string) => ({ codec_type: 'audio', codec_name: codec, channels: 2, sample_rate: '48000' });
const info = (format: string, filename: string, ...streams: object[]): MediaInfo => parseFfprobe({
  format: { format_name: format, filename, tags: filename.endsWith('.mov') ? { major_brand: 'qt  ' } : { major_brand: 'isom' } },
  streams: streams.map((stream, index) => Object.assign({ index, time_base: '1/1000' }, stream)),
});
const MP4 = 'mov,mp4,m4a,3gp,3g2,mj2';
const MKV = 'matroska,webm';

type TrackFacts = IndexFacts['tracks'][number];
const FACTS: TrackFacts = {
  streamIndex: 0, kind: 'video', packets: 100, bytes: 1000, startSeconds: 0, endSeconds: 10, keyframes: 10, idrs: 10,
  longestGroupSeconds: 2, largestGroupBytes: 1000, untimed: 0, disordered: 0,
};
const facts = (change: Partial<TrackFacts> = {}): IndexFacts => ({
  tracks: [{ ...FACTS, ...change }, { ...FACTS, streamIndex: 1, kind: 'audio' }],
});
const decide = (mediaInfo: MediaInfo | null, more: Partial<PlaybackQuestion> = {}) =>
  decidePlayback({ mediaInfo, indexFacts: facts(), clientCodecs: null, valid: true, invalidReason: null, ...more });

describe('decidePlayback', () => {
  it('sends what the browser plays as it is', () => {
    expect(decide(info(MP4, 'a.mp4', h264, sound('aac')))).toMatchObject({ mode: 'direct', reason: 'The file plays as it is: H.264, AAC in MP4.' });
    expect(decide(info(MKV, 'a.webm', { ...h264, codec_name: 'vp8' }, sound('vorbis'))).mode).toBe('direct');
    expect(decide(info('mp3', 'a.mp3', sound('mp3'))).mode).toBe('direct');
  });

  it('repackages what only its container keeps from playing', () => {
    for (const [format, name] of [[MKV, 'a.mkv'], ['mpegts', 'a.ts'], ['flv', 'a.flv'], [MP4, 'a.mov'], ['avi', 'a.avi']] as const) {
      expect(decide(info(format, name, h264, sound('aac'))).mode).toBe('remux');
    }
    expect(decide(info(MKV, 'a.mkv', h264, sound('ac3'), sound('aac'))).mode).toBe('remux');
  });

  it('asks the client about codecs that not everyone has', () => {
    const hevc = info(MP4, 'a.mp4', { ...h264, codec_name: 'hevc' }, sound('aac'));
    expect(decide(hevc)).toMatchObject({ mode: 'transcode', reason: expect.stringContaining('HEVC') });
    expect(decide(hevc, { clientCodecs: ['hvc1.1.6.L93.B0', 'mp4a.40.2'] }).mode).toBe('direct');
    const high10 = info(MP4, 'a.mp4', { ...h264, profile: 'High 10', pix_fmt: 'yuv420p10le' }, sound('aac'));
    expect(decide(high10)).toMatchObject({ mode: 'transcode', reason: expect.stringContaining('10-bit') });
    expect(decide(high10, { clientCodecs: ['avc1.6e0028', 'mp4a.40.2'] }).mode).toBe('direct');
  });

  it('encodes the rest, and names what stands in the way', () => {
    const mkv = info(MKV, 'a.mkv', h264, sound('aac'));
    const reason = (change: Partial<IndexFacts['tracks'][number]>) => {
      const decision = decide(mkv, { indexFacts: facts(change) });
      expect(decision.mode).toBe('transcode');
      expect(decision.reason).toContain('encoded while you watch');
      return decision.reason;
    };
    expect(reason({ longestGroupSeconds: 30 })).toContain('30.0 s apart');
    expect(reason({ idrs: 0 })).toContain('no keyframe');
    expect(reason({ untimed: 3 })).toContain('3 of 100 pictures');
    expect(reason({ disordered: 1 })).toContain('jump back');
    expect(reason({ longestGapSeconds: 3_990.2, longestGroupSeconds: 3_990.2 })).toContain('up to 3990 s, in which the picture stands still');
    expect(decide(info('asf', 'a.wmv', { ...h264, codec_name: 'wmv3' })).reason).toContain('WMV');
    expect(decide(info('asf', 'a.wmv', h264)).reason).toContain('container');
    expect(decide(mkv, { indexFacts: null }).reason).toContain('indexed');
  });

  it('falls back to the file itself where segments cannot be made but browsers cope', () => {
    expect(decide(info(MKV, 'a.mkv', { ...h264, codec_name: 'vp8' }, sound('vorbis'))).mode).toBe('direct');
    expect(decide(info(MP4, 'a.mov', h264, sound('aac')), { indexFacts: facts({ longestGroupSeconds: 60 }) }).mode).toBe('direct');
  });

  it('explains files that are no videos', () => {
    expect(decide(null)).toEqual({ mode: 'none', reason: 'The file has not been validated yet.' });
    expect(decide(null, { valid: false, invalidReason: 'The file is empty.' })).toEqual({ mode: 'none', reason: 'The file is empty.' });
    expect(decide(info(MP4, 'a.mp4'))).toMatchObject({ mode: 'none' });
  });
});
