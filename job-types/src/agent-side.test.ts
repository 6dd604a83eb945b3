import { indexFactsSchema, type MediaInfo, parseFfprobe } from '@reelay/contracts';
import { describe, expect, it } from 'vitest';
import { claimedSeconds } from './media-probe.ts';
import { encoderArgs } from './reencode-streaming/encoder-args.ts';
import { reencodeArgs } from './reencode-streaming/execute.ts';
import { alreadyReady } from './reencode-streaming/ready.ts';
import { compare } from './reencode-streaming/verify.ts';
import { reencodeOrder } from './reencode-streaming/result.ts';
import { inBatches } from './scan/batches.ts';
import { missingPart } from './validate/execute.ts';

const media = (duration = '10', more: { video?: object; audio?: object | null; format?: object } = {}): MediaInfo => parseFfprobe({
  format: { format_name: 'mov,mp4,m4a,3gp,3g2,mj2', duration, bit_rate: '900000', ...more.format },
  streams: [
    { index: 0, codec_type: 'video', codec_name: 'h264', width: 640, height: 360, pix_fmt: 'yuv420p', duration, bit_rate: '800000', ...more.video },
    ...(more.audio === null ? [] : [{ index: 1, codec_type: 'audio', codec_name: 'aac', channels: 2, duration, ...more.audio }]),
  ],
});
const facts = (endSeconds: number, packets = 100) => indexFactsSchema.parse({
  tracks: [{ streamIndex: 0, kind: 'video', packets, bytes: 1, startSeconds: packets > 0 ? 0 : null, endSeconds: packets > 0 ? endSeconds : null, keyframes: 1, idrs: 1, longestGroupSeconds: 1, largestGroupBytes: 1, untimed: 0, disordered: 0 }],
});

describe('missingPart', () => {
  it('allows what containers round, and no more', () => {
    expect(missingPart(media(), facts(10))).toBeNull();
    expect(missingPart(media(), facts(9.1))).toBeNull();
    expect(missingPart(media(), facts(6.25))).toBe('The file is cut short: only 6.3 of 10.0 seconds are there.');
    expect(missingPart(media('7200'), facts(7195))).toBeNull();
    expect(missingPart(media('7200'), facts(7100))).toMatch(/only 7100.0 of 7200.0/);
    expect(missingPart(media(), facts(0, 0))).toMatch(/no pictures and no sound/);
  });
  it('does not count a subtitle that outlasts the film', () => {
    const longer = media('10', { format: { duration: '30' } });
    expect(claimedSeconds(longer)).toBe(10);
    expect(missingPart(longer, facts(10))).toBeNull();
  });
});

describe('re-encode', () => {
  const quality = { preset: 'medium', crf: 23, targetBitrate: 2000 };
  const order = reencodeOrder.parse({ ...quality, videoId: null, skipIfReady: false, durationSeconds: null });
  it('uses the options of the document', () => {
    const args = reencodeArgs(order, media(), '/a b.mp4', '/out.part', 'libx264', null).join(' ');
    expect(args).toContain('-i file:/a b.mp4 -map 0:0 -c:v libx264 -preset medium -crf 23 -maxrate 2000k -bufsize 4000k -pix_fmt yuv420p');
    expect(args).toContain('-map 0:1 -c:a aac -b:a 128k');
    expect(args).toContain('-movflags +faststart -f mp4 file:/out.part');
  });
  it('maps quality to hardware encoders', () => {
    expect(encoderArgs('h264_nvenc', quality, 1).codec.join(' ')).toContain('-gpu 1 -preset p5 -rc vbr -cq 23 -b:v 0 -maxrate 2000k -bufsize 4000k');
    expect(encoderArgs('h264_qsv', { ...quality, preset: 'ultrafast' }, null).codec.join(' ')).toContain('-preset veryfast');
    expect(encoderArgs('h264_vaapi', quality, null).filters).toEqual(['format=nv12', 'hwupload']);
  });
  it('deinterlaces, mixes down, and leaves out sound that is not there', () => {
    const args = reencodeArgs(order, media('10', { video: { field_order: 'tt' }, audio: { channels: 6 } }), '/a', '/b', 'libx264', null).join(' ');
    expect(args).toContain('-vf yadif=deint=interlaced,scale=');
    expect(args).toContain('-ac 2');
    expect(reencodeArgs(order, media('10', { audio: null }), '/a', '/b', 'libx264', null)).not.toContain('-c:a');
  });
  it('calls only MP4 with H.264 and AAC within the bitrate ready', () => {
    expect(alreadyReady(media(), 2000)).toMatch(/800 kbit\/s, within the 2000/);
    expect(alreadyReady(media(), 500)).toBeNull();
    expect(alreadyReady(media('10', { video: { pix_fmt: 'yuv420p10le' } }), 2000)).toBeNull();
    expect(alreadyReady(media('10', { audio: { codec_name: 'ac3' } }), 2000)).toBeNull();
    expect(alreadyReady(media('10', { format: { format_name: 'matroska,webm' } }), 2000)).toBeNull();
  });
  it('compares the output with its source', () => {
    expect(compare(media(), media())).toBeNull();
    expect(compare(media('5'), media())).toBe('The encoded file is 5.0 s long, but its source 10.0 s.');
    expect(compare(media('10', { audio: null }), media())).toMatch(/lost its sound/);
    expect(compare(media('10', { video: { codec_name: 'mpeg4' } }), media())).toMatch(/no H\.264/);
  });
});

describe('inBatches', () => {
  it('keeps to number and size', () => {
    expect([...inBatches([1, 2, 3], 2)]).toEqual([[1, 2], [3]]);
    const large = 'x'.repeat(150_000);
    expect([...inBatches([large, large, large], 500)].map(({ length }) => length)).toEqual([2, 1]);
    expect([...inBatches([], 5)]).toEqual([]);
  });
});
