import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexFacts } from './index-facts.ts';
import { markIdrPackets } from './idr.ts';
import { mediaInfoSchema, type MediaInfo } from './media-info.ts';
import { buildPacketIndex } from './packet-index-builder.ts';
import { allocateTrack, decodePacketIndex, encodePacketIndex, PacketFlag, PacketIndexError, type PacketTrack } from './packet-index.ts';
import { parseFfprobe } from './ffprobe.ts';

const INFO: MediaInfo = parseFfprobe({
  format: { format_name: 'mpegts' },
  streams: [
    { index: 0, codec_type: 'video', codec_name: 'h264', time_base: '1/90000', width: 320, height: 180, has_b_frames: 2 },
    { index: 1, codec_type: 'audio', codec_name: 'aac', time_base: '1/90000', channels: 2, sample_rate: '48000' },
    { index: 2, codec_type: 'subtitle', codec_name: 'dvb_subtitle', time_base: '1/90000' },
  ],
});

const LINES = [
  'stream_index=0|pts=133200|dts=126000|duration=3600|size=7648|pos=564|flags=K_|',
  '',
  'stream_index=0|pts=144000|dts=129600|duration=3600|size=3081|pos=8460|flags=__|',
  'stream_index=1|pts=131280|dts=131280|duration=1920|size=219|pos=30832|flags=KD|',
  'stream_index=1|pts=N/A|dts=N/A|duration=1920|size=287|pos=N/A|flags=K_',
  'stream_index=2|pts=131280|dts=131280|duration=1920|size=219|pos=1|flags=K_',
  'stream_index=0|pts=223200|dts=216000|duration=3600|size=90|pos=40000|flags=K__',
];

describe('buildPacketIndex', () => {
  it('keeps video and audio, fills in the times of sound, and waits for the IDR probe', async () => {
    const index = await buildPacketIndex(LINES, INFO);
    expect(index.tracks.map((track) => [track.streamIndex, track.count])).toEqual([[0, 3], [1, 2]]);
    const [video, audio] = index.tracks;
    expect([...(video?.flags ?? [])]).toEqual([PacketFlag.key, 0, PacketFlag.key]);
    expect([...(audio?.pts ?? [])]).toEqual([131_280, 133_200]);
    expect([...(audio?.position ?? [])]).toEqual([30_832, Number.NaN]);
    expect(audio?.flags[0]).toBe(PacketFlag.key | PacketFlag.idr | PacketFlag.discard);
  });

  it('marks only the listed keyframes as places to start', async () => {
    const index = await buildPacketIndex(LINES, INFO);
    await markIdrPackets(index, 0, ['#tb 0: 1/90000', '0,     126000,     133200,     3600,     6933, 0x3d371e72']);
    expect([...(index.tracks[0]?.flags ?? [])].map((flag) => flag & PacketFlag.idr)).toEqual([PacketFlag.idr, 0, 0]);
    const facts = indexFacts(index).tracks[0];
    expect(facts).toMatchObject({ packets: 3, keyframes: 2, idrs: 1, untimed: 0, disordered: 0 });
    expect(facts?.longestGroupSeconds).toBeCloseTo(93_600 / 90_000, 9);
    expect(facts?.longestGapSeconds).toBeCloseTo(79_200 / 90_000, 9);
  });
});

describe('the compact form', () => {
  const tick = fc.oneof(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.constant(Number.NaN));
  const packet = fc.record({
    pts: tick, dts: tick, duration: fc.oneof(fc.nat(100_000), fc.constant(Number.NaN)), size: fc.nat(2 ** 31 - 1),
    position: fc.oneof(fc.nat(2 ** 31 - 1).map((value) => value * 4096), fc.constant(Number.NaN)), flags: fc.nat(7),
  });

  it('gives back every value', async () => {
    await fc.assert(fc.asyncProperty(fc.array(packet, { maxLength: 60 }), async (packets) => {
      const track: PacketTrack = allocateTrack({ streamIndex: 3, kind: 'audio', timeBase: { num: 1, den: 48_000 }, count: packets.length });
      packets.forEach((value, i) => {
        track.pts[i] = value.pts;
        track.dts[i] = value.dts;
        track.duration[i] = value.duration;
        track.size[i] = value.size;
        track.position[i] = value.position;
        track.flags[i] = value.flags;
      });
      expect(await decodePacketIndex(await encodePacketIndex({ tracks: [track] }))).toEqual({ tracks: [track] });
    }), { numRuns: 60 });
  });

  it('refuses damaged bytes with a code', async () => {
    const bytes = await encodePacketIndex(await buildPacketIndex(LINES, INFO));
    await expect(decodePacketIndex(bytes.subarray(0, bytes.length - 8))).rejects.toBeInstanceOf(PacketIndexError);
    await expect(decodePacketIndex(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'packet_index_corrupt' });
  });

  it('holds twelve minutes of film in 200 KB, so two hours in 2 MB', async () => {
    let seed = 1;
    const random = () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 2 ** 32;
    };
    const lines: string[] = [];
    let position = 1000;
    let audioSeconds = 0;
    for (let frame = 0; frame < 24 * 720; frame += 1) {
      const order = [0, 3, 1, 2][frame % 4] ?? 0;
      const pts = Math.round(((frame - (frame % 4) + order) * 1000) / 24);
      const size = Math.round((frame % 48 === 0 ? 90_000 : 12_000) * (0.5 + random()));
      lines.push(`stream_index=0|pts=${pts}|dts=${Math.round((frame * 1000) / 24)}|duration=41|size=${size}|pos=${position}|flags=${frame % 48 === 0 ? 'K' : '_'}_`);
      position += size + 8;
      for (; audioSeconds < frame / 24; audioSeconds += 1024 / 48_000) {
        const audio = Math.round(400 + random() * 200);
        const ms = Math.round(audioSeconds * 1000);
        lines.push(`stream_index=1|pts=${ms}|dts=${ms}|duration=21|size=${audio}|pos=${position}|flags=K_`);
        position += audio + 7;
      }
    }
    const bytes = await encodePacketIndex(await buildPacketIndex(lines, INFO));
    expect(bytes.length).toBeLessThan(200_000);
  });
});

describe('parseFfprobe', () => {
  it('gives the shape of the schema, whatever is missing', () => {
    expect(mediaInfoSchema.parse(INFO)).toEqual(INFO);
    expect(parseFfprobe({ format: {} })).toMatchObject({ container: 'other', durationSeconds: null, streams: [] });
  });
});
