import { describe, expect, it } from 'vitest';
import { toBase64 } from './bytes.ts';
import { addStreamData, FfprobeOutputError, parseFfprobe } from './ffprobe.ts';
import { mainStream, mediaInfoSchema, orientationOf } from './media-info.ts';

const video = {
  index: 0, codec_type: 'video', codec_name: 'h264', profile: 'High', level: 31, width: 1280, height: 720, pix_fmt: 'yuv420p',
  sample_aspect_ratio: '1:1', avg_frame_rate: '30000/1001', time_base: '1/90000', has_b_frames: 2, field_order: 'progressive',
  disposition: { default: 1, forced: 0 }, color_range: 'tv', color_space: 'bt709', color_transfer: 'bt709', color_primaries: 'bt709',
};
const parse = (stream: object, format: object = {}) => {
  const info = parseFfprobe({ format: { format_name: 'matroska,webm', filename: 'x.mkv', ...format }, streams: [stream] });
  expect(mediaInfoSchema.parse(info)).toEqual(info);
  return info;
};
const streamOf = (stream: object) => {
  const [first] = parse(stream).streams;
  if (!first) throw new Error('no stream');
  return first;
};

const name = (stream: object) => streamOf({ index: 0, ...stream }).codecString;

describe('parseFfprobe', () => {
  it('normalises a video stream', () => {
    expect(streamOf(video)).toMatchObject({
      kind: 'video', codec: 'h264', codecString: 'avc1.64001f', width: 1280, displayWidth: 1280, frameRate: { num: 30_000, den: 1001 },
      bitDepth: 8, reorderDepth: 2, interlaced: false, disposition: ['default'],
      colour: { primaries: 'bt709', transfer: 'bt709', space: 'bt709', range: 'limited' },
    });
  });

  it('turns and stretches to the size on screen', () => {
    const turned = { ...video, sample_aspect_ratio: '4:3', side_data_list: [{ side_data_type: 'Display Matrix', rotation: 90 }] };
    expect(streamOf(turned)).toMatchObject({ rotationDegrees: 270, displayWidth: 720, displayHeight: 1707 });
    expect(streamOf({ ...video, tags: { rotate: '90' } })).toMatchObject({ rotationDegrees: 90, displayWidth: 720 });
    expect(orientationOf(parse(turned))).toBe('portrait');
    expect(orientationOf(parse(video))).toBe('landscape');
    expect(orientationOf(parse({ ...video, width: 100, height: 100 }))).toBe('square');
    expect(orientationOf(parse({ index: 0, codec_type: 'audio', codec_name: 'mp3' }))).toBeNull();
  });

  it('takes a cover picture for none', () => {
    const info = parse({ ...video, disposition: { default: 1, attached_pic: 1 } });
    expect(info.streams[0]?.kind).toBe('other');
    expect(mainStream(info, 'video')).toBeUndefined();
  });

  it('copes with N/A, zeros and missing values', () => {
    const odd = { index: 3, codec_type: 'video', width: 0, height: 0, avg_frame_rate: '0/0', r_frame_rate: '0/0', time_base: 'N/A', duration: 'N/A', bit_rate: 'N/A', level: -99, sample_aspect_ratio: '0:1', tags: 7 };
    expect(streamOf(odd)).toMatchObject({
      codec: 'unknown', width: null, displayWidth: null, frameRate: null, level: null, durationSeconds: null, bitrateKbps: null, sampleAspectRatio: null, codecString: null,
    });
    expect(parse(video, { duration: 'N/A', size: 'N/A', start_time: 'N/A' })).toMatchObject({ durationSeconds: null, sizeBytes: null, startTimeSeconds: 0 });
    expect(parseFfprobe({ format: {}, streams: [null, 5, { index: -1 }], chapters: [{}] }).streams).toEqual([]);
  });

  it('reads durations and languages of Matroska tags', () => {
    expect(streamOf({ ...video, tags: { 'DURATION': '00:01:02.500000000', 'BPS-eng': '1', 'language': 'GER', 'title': 'Film' } }))
      .toMatchObject({ durationSeconds: 62.5, language: 'ger', title: 'Film' });
  });

  it('keeps the configuration of the decoder and reads the codec string from it', () => {
    const extradata = '\n00000000: 014d 400c ffe1 0019 674d 400c eca0 a0cf  .M@.....gM@.....\n00000010: cf80                                     ..\n';
    const stream = streamOf({ ...video, extradata });
    expect(stream.codecString).toBe('avc1.4d400c');
    expect(stream.extradata).toBe(toBase64(Uint8Array.of(0x01, 0x4d, 0x40, 0x0c, 0xff, 0xe1, 0, 0x19, 0x67, 0x4d, 0x40, 0x0c, 0xec, 0xa0, 0xa0, 0xcf, 0xcf, 0x80)));
  });

  it('keeps no attachments, no endless lists, and whole characters of long titles', () => {
    const extradata = '\n00000000: 0001 0203  ....\n';
    const info = parseFfprobe({
      format: { format_name: 'matroska,webm' },
      streams: [{ ...video, extradata: undefined, tags: { title: `${'x'.repeat(299)}🎬🎬` } }, { index: 1, codec_type: 'attachment', codec_name: 'ttf', extradata }],
      chapters: Array.from({ length: 5_000 }, (_, n) => ({ start_time: String(n), end_time: String(n + 1), tags: { title: 'chapter' } })),
    });
    expect(info.streams.map((stream) => stream.extradata)).toEqual([null, null]);
    expect(info.streams[0]?.title).toBe(`${'x'.repeat(299)}🎬`);
    expect(info.chapters).toHaveLength(1_000);
  });

  it('joins an answer without data and the data of some streams', () => {
    const lean = JSON.stringify({ format: { format_name: 'matroska,webm' }, streams: [{ index: 0, codec_type: 'attachment', codec_name: 'ttf' }, { ...video, index: 1 }] });
    const data = JSON.stringify({ streams: [{ index: 1, extradata: '\n00000000: 0102  ..\n' }] });
    expect(parseFfprobe(addStreamData(lean, data, '{}')).streams.map(({ index, extradata }) => [index, extradata])).toEqual([[0, null], [1, toBase64(Uint8Array.of(1, 2))]]);
    expect(() => addStreamData(lean, 'nothing')).toThrow(FfprobeOutputError);
  });

  it('names the codecs of other streams', () => {
    expect(name({ codec_type: 'audio', codec_name: 'aac', profile: 'HE-AAC' })).toBe('mp4a.40.5');
    expect(name({ codec_type: 'audio', codec_name: 'opus' })).toBe('opus');
    expect(name({ codec_type: 'audio', codec_name: 'dts' })).toBeNull();
    expect(name({ codec_type: 'video', codec_name: 'vp9', profile: 'Profile 0', width: 1920, height: 1080, avg_frame_rate: '30/1', pix_fmt: 'yuv420p' })).toBe('vp09.00.40.08');
    expect(name({ codec_type: 'video', codec_name: 'hevc', profile: 'Main', level: 93 })).toBe('hvc1.1.6.L93.B0');
  });

  it('tells containers apart', () => {
    const kind = (format: object, stream: object = video) => parse(stream, format).container;
    expect(kind({ format_name: 'mov,mp4,m4a,3gp,3g2,mj2', tags: { major_brand: 'qt  ' } })).toBe('mov');
    expect(kind({ format_name: 'mov,mp4,m4a,3gp,3g2,mj2', tags: { major_brand: 'isom' } })).toBe('mp4');
    expect(kind({ filename: 'x.webm' })).toBe('matroska');
    expect(kind({ filename: 'x.webm' }, { ...video, codec_name: 'vp9' })).toBe('webm');
    expect(kind({ format_name: 'mpegts' })).toBe('mpegts');
    expect(kind({ format_name: 'png_pipe' })).toBe('other');
  });

  it('refuses what is no probe result', () => {
    for (const text of ['', '{', '{}', 'null', '[]']) expect(() => parseFfprobe(text)).toThrow(FfprobeOutputError);
  });
});
