import { describe, expect, it } from 'vitest';
import { allocateTrack, parseFfprobe, PacketFlag, type MediaInfo } from '@reelay/contracts';
import { iframePlaylist } from './iframes.ts';
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
    expect(text).toContain('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio-aac",NAME="eng",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a0/index.m3u8"');
    expect(text).toMatch(/CODECS="avc1\.64001f,mp4a\.40\.2",RESOLUTION=1280x720,FRAME-RATE=29\.970,VIDEO-RANGE=SDR,AUDIO="audio-aac"\nv0\/index\.m3u8\n#EXT-X-I-FRAME/);
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

  it('lets a player choose by language among tracks that differ, and leaves the others to people', () => {
    const text = masterPlaylist(setOf(video, audio(1, 'aac', { language: 'ger' }), { ...audio(2, 'aac', { language: 'eng', title: 'Film' }), disposition: { default: 1 } }, audio(3, 'aac', { language: 'eng', title: 'Comments' }),
      { ...audio(4, 'aac', { language: 'eng', title: 'Described' }), disposition: { visual_impaired: 1 } }, audio(5, 'aac', { language: 'und' })));
    const lines = text.split('\n').filter((line) => line.startsWith('#EXT-X-MEDIA')).map((line) => line.replace(/^.*?NAME=/, '').replace(/,CHANNELS.*$/, ''));
    expect(lines).toEqual([
      '"ger",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES', '"Film",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES', '"Comments",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=NO',
      '"Described",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS="public.accessibility.describes-video"', '"Audio 5",DEFAULT=NO,AUTOSELECT=NO',
    ]);
  });

  it('has no control characters, whatever a file calls its tracks', () => {
    const text = masterPlaylist(setOf(video, audio(1, 'aac', { title: 'a\u0000b\u0007c\u001bd\te\r\nf\u007fg\u0085h\u009fi"j' })));
    expect(text).toContain('NAME="a b c d e  f g h i’j"');
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
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

describe('subtitles', () => {
  const track = { language: null, title: null, isDefault: false, isForced: false, isForDeaf: false, cues: 1, from: 0, bytes: 1 };
  it('stand in a group that every variant of pictures names', () => {
    const text = masterPlaylist(setOf(video, audio(1, 'aac'), audio(2, 'opus')), [{ ...track, id: 's0', language: 'eng', isDefault: true }, { ...track, id: 's1', language: 'eng', title: 'eng', isForced: true }]);
    expect(text).toContain('#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="eng",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI="s0/index.m3u8"');
    expect(text).toContain('NAME="eng (s1)",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI="s1/index.m3u8"');
    expect(text.match(/#EXT-X-STREAM-INF:[^\n]*SUBTITLES="subs"/g)).toHaveLength(2);
  });
  it('do not make a song a film', () => {
    expect(masterPlaylist(setOf(audio(0, 'aac')), [{ ...track, id: 's0' }])).not.toContain('SUBTITLES');
  });
});

describe('keyframes for winding', () => {
  it('are at least a second apart and last until the next', () => {
    const set = setOf(video);
    const { iframes } = set;
    // Keyframes every 50 of 300 pictures at 25 a second.
    expect(iframes.map(({ first, end, startTicks, durationSeconds }) => [first, end, startTicks, durationSeconds])).toEqual([0, 50, 100, 150, 200, 250].map((at) => [at, at + 1, at, 2]));
    const text = iframePlaylist(iframes, { pieces: 'i0/', init: 'v0/init.mp4' });
    expect(text).toContain('#EXT-X-TARGETDURATION:2\n');
    expect(text).toContain('#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI="v0/init.mp4"\n#EXTINF:2.000000,\ni0/0.m4s\n');
    expect(masterPlaylist(set)).toMatch(/#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=40600,AVERAGE-BANDWIDTH=40600,CODECS="avc1\.64001f",RESOLUTION=1280x720,URI="i0\/index\.m3u8"\n$/);
  });
});
