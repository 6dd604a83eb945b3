import { describe, expect, it } from 'vitest';
import { allocateTrack, parseFfprobe, PacketFlag, type MediaInfo } from '@reelay/contracts';
import { masterPlaylist, mediaPlaylist } from './playlist.ts';
import { planRenditions } from './renditions.ts';

const video = { index: 0, codec_type: 'video', codec_name: 'h264', profile: 'High', level: 31, time_base: '1/25', width: 1280, height: 720, avg_frame_rate: '30000/1001', pix_fmt: 'yuv420p' };
const audio = (index: number, codec: string, tags: Record<string, string> = {}) =>
  ({ index, codec_type: 'audio', codec_name: codec, profile: codec === 'aac' ? 'LC' : undefined, time_base: '1/50', channels: 2, sample_rate: '48000', tags });

function setOf(...streams: object[]) {
  const info: MediaInfo = parseFfprobe({ format: { format_name: 'matroska,webm', filename: 'x.mkv' }, streams });
  const tracks = info.streams.map((stream) => {
    const isVideo = stream.kind === 'video';
    const count = isVideo ? 300 : 600;
    const made = allocateTrack({ streamIndex: stream.index, kind: isVideo ? 'video' : 'audio', timeBase: stream.timeBase, count });
    for (let i = 0; i < count; i += 1) {
      made.pts[i] = i;
      made.duration[i] = 1;
      made.size[i] = isVideo ? 10_000 : 200;
      made.flags[i] = !isVideo || i % 50 === 0 ? PacketFlag.key | PacketFlag.idr : 0;
    }
    return made;
  });
  return planRenditions(info, { tracks });
}

describe('masterPlaylist', () => {
  it('names codecs, size, rate and measured bandwidth', () => {
    const text = masterPlaylist(setOf(video, audio(1, 'aac', { language: 'eng' })));
    expect(text).toContain('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio-aac",NAME="eng",LANGUAGE="eng",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a0/index.m3u8"');
    expect(text).toMatch(/CODECS="avc1\.64001f,mp4a\.40\.2",RESOLUTION=1280x720,FRAME-RATE=29\.970,VIDEO-RANGE=SDR,AUDIO="audio-aac"\nv0\/index\.m3u8\n$/);
    const average = Number(/AVERAGE-BANDWIDTH=(\d+)/.exec(text)?.[1]);
    expect(average).toBeGreaterThan(2_080_000);
    expect(average).toBeLessThan(2_100_000);
  });

  it('gives equal names apart, and every audio codec its own group and variant', () => {
    const text = masterPlaylist(setOf(video, audio(1, 'aac', { title: 'Say "hi"' }), audio(2, 'aac', { title: 'Say "hi"' }), audio(3, 'opus')));
    expect([...text.matchAll(/NAME="([^"]*)"/g)].map((match) => match[1])).toEqual(['Say ’hi’', 'Say ’hi’ (a1)', 'Audio 3']);
    expect(text.match(/DEFAULT=YES/g)).toHaveLength(2);
    expect(text.match(/#EXT-X-STREAM-INF/g)).toHaveLength(2);
  });

  it('does without sound or without pictures', () => {
    expect(masterPlaylist(setOf(video))).not.toContain('AUDIO');
    expect(masterPlaylist(setOf(audio(0, 'aac')))).toMatch(/CODECS="mp4a\.40\.2"\na0\/index\.m3u8\n$/);
    expect(masterPlaylist(setOf(audio(0, 'aac'), audio(1, 'aac')))).toMatch(/AUDIO="audio-aac"\na0\/index\.m3u8\n$/);
  });
});

describe('mediaPlaylist', () => {
  it('is complete and final', () => {
    const set = setOf(video);
    expect(set.video && mediaPlaylist(set.video, set.targetDurationSeconds)).toBe([
      '#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:6', '#EXT-X-MEDIA-SEQUENCE:0', '#EXT-X-PLAYLIST-TYPE:VOD',
      '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-MAP:URI="init.mp4"', '#EXTINF:6.000000,', '0.m4s', '#EXTINF:6.000000,', '1.m4s', '#EXT-X-ENDLIST', '',
    ].join('\n'));
  });
});
