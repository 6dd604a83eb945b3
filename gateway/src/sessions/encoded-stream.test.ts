import type { IndexFacts, MediaInfo, MediaStream } from '@reelay/contracts';
import { describe, expect, it } from 'vitest';
import { frameRateOf, planEncodedStream, targetDurationOf } from './encoded-stream.ts';
import { encodedMasterPlaylist, encodedMediaPlaylist } from './playlists.ts';

const stream = (over: Partial<MediaStream>): MediaStream => ({
  index: 0, kind: 'video', codec: 'hevc', profile: null, level: null, codecString: null, timeBase: { num: 1, den: 1_000 }, startTimeSeconds: 0, durationSeconds: null,
  bitrateKbps: null, language: null, title: null, disposition: [], width: 1920, height: 1080, displayWidth: 1920, displayHeight: 1080, rotationDegrees: 0,
  sampleAspectRatio: null, frameRate: { num: 24_000, den: 1_001 }, pixelFormat: null, bitDepth: 8, interlaced: false, colour: null, reorderDepth: null,
  channels: null, channelLayout: null, sampleRate: null, extradata: null, ...over,
});
const sound = (over: Partial<MediaStream>): MediaStream => stream({ index: 1, kind: 'audio', codec: 'ac3', width: null, height: null, displayWidth: null, displayHeight: null, frameRate: null, channels: 6, sampleRate: 48_000, ...over });
const media = (streams: MediaStream[]): MediaInfo => ({ container: 'matroska', formatNames: [], majorBrand: null, durationSeconds: 61, startTimeSeconds: 0, bitrateKbps: null, sizeBytes: 1, streams, chapters: [] });
const facts = (spans: Record<number, [number, number]>, longestKeyGapSeconds: number | null = null): IndexFacts => ({
  tracks: Object.entries(spans).map(([index, [startSeconds, endSeconds]]) => ({
    streamIndex: Number(index), kind: 'video', packets: 1, bytes: 1, startSeconds, endSeconds, keyframes: 1, idrs: 1, longestGroupSeconds: 1, largestGroupBytes: 1, untimed: 0, disordered: 0, longestKeyGapSeconds,
  })),
});
const plan = (streams: MediaStream[], known: IndexFacts | null = null) => planEncodedStream({ media: media(streams), facts: known, sizeBytes: 1, mtimeMs: 1 });

const prerollOf = (container: MediaInfo['container'], known: IndexFacts | null) => {
  const [rendition] = planEncodedStream({ media: { ...media([stream({})]), container }, facts: known, sizeBytes: 1, mtimeMs: 1 }).renditions;
  return rendition?.recipe.kind === 'video' ? rendition.recipe.prerollSeconds : null;
};

describe('the encoded stream', () => {
  it('counts from the first picture, and has sound as long as the pictures', () => {
    const planned = plan([stream({}), sound({})], facts({ 0: [600.04, 660.1], 1: [600, 660.4] }));
    expect(planned.originSeconds).toBe(600.04);
    expect(planned.renditions.map(({ id }) => id)).toEqual(['h240', 'h360', 'h480', 'h720', 'h1080', 'a0']);
    const [video, audio] = [planned.renditions[0], planned.renditions.at(-1)];
    expect(video?.segments).toBe(30);
    expect(Math.abs((video?.durationSeconds ?? 0) - (audio?.durationSeconds ?? 0))).toBeLessThan(0.022);
  });
  it('plays sound to its end where it outlasts the pictures, and does without pictures or sound', () => {
    expect(plan([stream({}), sound({})], facts({ 0: [0, 10], 1: [0, 100] })).renditions.at(-1)?.durationSeconds).toBeCloseTo(100, 1);
    expect(encodedMasterPlaylist(plan([sound({})]))).toContain('a0/index.m3u8');
    expect(encodedMasterPlaylist(plan([stream({})]))).not.toContain('AUDIO');
    expect(() => plan([stream({ kind: 'subtitle' })])).toThrow(expect.objectContaining({ code: 'not_encodable' }));
  });
  it('begins a group earlier where the demuxer does not land on keyframes', () => {
    const spread = facts({ 0: [0, 61] });
    expect(prerollOf('matroska', spread)).toBeUndefined();
    expect(prerollOf('mpegts', spread)).toBe(1.5);
    expect(prerollOf('mpegts', facts({ 0: [0, 61] }, 4.8))).toBe(5.3);
    expect(prerollOf('mpegts', null)).toBe(1);
  });
  it('has a version of its own for each source and recipe', () => {
    const versions = [plan([stream({})]), plan([stream({})]), plan([stream({ width: 640, displayWidth: 640 })]), plan([stream({}), sound({})])].map(({ version }) => version);
    expect(new Set(versions).size).toBe(3);
    expect(versions[0]).toBe(versions[1]);
  });
  it('takes the rate that the source means', () => {
    expect(frameRateOf({ frameRate: { num: 23_976, den: 1_000 } })).toEqual({ num: 24_000, den: 1_001 });
    expect(frameRateOf({ frameRate: { num: 120, den: 1 } })).toEqual({ num: 60, den: 1 });
    expect(frameRateOf({ frameRate: { num: 15_020, den: 1_000 } })).toEqual({ num: 15_020, den: 1_000 });
    expect(frameRateOf({ frameRate: null })).toEqual({ num: 30, den: 1 });
    // Of variable rate: 14.2 pictures a second on average, 25 where they follow each other fastest; rounded to milliseconds it is constant.
    expect(frameRateOf({ frameRate: { num: 14_200, den: 1_000 } }, 0.04)).toEqual({ num: 25, den: 1 });
    expect(frameRateOf({ frameRate: { num: 30, den: 1 } }, 0.033)).toEqual({ num: 30, den: 1 });
    expect(frameRateOf({ frameRate: { num: 20, den: 1 } }, 0.008)).toEqual({ num: 60, den: 1 });
  });
});

describe('its playlists', () => {
  const planned = plan([stream({}), sound({ language: 'eng', disposition: ['default'] }), sound({ index: 2, language: 'eng' })]);

  it('start on a small rung, and name every sound track once', () => {
    const lines = encodedMasterPlaylist(planned).split('\n');
    expect(lines.filter((line) => /^h\d/.test(line))).toEqual(['h360', 'h240', 'h480', 'h720', 'h1080'].map((id) => `${id}/index.m3u8`));
    expect(lines.filter((line) => line.startsWith('#EXT-X-MEDIA')).map((line) => /NAME="([^"]*)"/.exec(line)?.[1])).toEqual(['eng', 'eng (a1)']);
    expect(lines.find((line) => line.includes('1920x1080'))).toContain('CODECS="avc1.640028,mp4a.40.2"');
  });
  it('are complete, exact, and within the target duration', () => {
    for (const rendition of planned.renditions) {
      const text = encodedMediaPlaylist(planned, rendition);
      const durations = [...text.matchAll(/#EXTINF:([\d.]+),/g)].map((match) => Number(match[1]));
      expect(durations).toHaveLength(rendition.segments);
      expect(durations.reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(rendition.durationSeconds, 3);
      expect(Math.max(...durations.map(Math.round))).toBeLessThanOrEqual(targetDurationOf(planned));
      expect(text.endsWith('#EXT-X-ENDLIST\n')).toBe(true);
    }
  });
});
