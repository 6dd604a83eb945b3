import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePacketIndex, type JobOutcome, mediaInfoSchema, PacketFlag, type WorkOrder } from '@reelay/contracts';
import { newId } from '@reelay/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeClip } from '../testing/clips.ts';
import { type RunningAgent, TestBench } from '../testing/test-node.ts';

let bench: TestBench;
let node: RunningAgent;
const videoId = newId();

beforeAll(async () => {
  bench = await TestBench.open();
  node = await bench.startAgent();
  for (const folder of ['inbox', 'playback', 'library']) mkdirSync(join(bench.library, folder));
});
afterAll(async () => {
  await node.stop();
  expect(readdirSync(join(bench.workDir, 'scratch'))).toEqual([]);
  await bench.close();
});

const clip = (name: string, options: Parameters<typeof makeClip>[1] = {}): string => {
  makeClip(join(bench.library, name), options);
  return name;
};
const resultOf = (outcome: JobOutcome): Record<string, unknown> => {
  expect(outcome).toMatchObject({ kind: 'completed' });
  return outcome.kind === 'completed' ? outcome.result : {};
};
const partOf = (order: WorkOrder): string => join(bench.library, order.outputs[0]?.partPath ?? '');
const validate = async (input: string, deep = false): Promise<{ result: Record<string, unknown>; order: WorkOrder }> => {
  const order = await bench.hub.order('validate', { videoId, deep }, { input });
  return { order, result: resultOf(await bench.hub.runToEnd(order)) };
};

const invalid = async (name: string, content: string | Buffer | null, reason: RegExp): Promise<void> => {
  if (content !== null) writeFileSync(join(bench.library, name), content);
  const { result } = await validate(name);
  expect(result).toMatchObject({ valid: false, reason: expect.stringMatching(reason) });
};

const thumbnail = async (input: string, timestampSeconds: number): Promise<{ order: WorkOrder; outcome: JobOutcome }> => {
  const order = await bench.hub.order('thumbnail_generate', { videoId, timestampSeconds, width: 160 }, { input, output: 'thumbnails/100% of %d.jpg' });
  return { order, outcome: await bench.hub.runToEnd(order) };
};

const VP8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k'];
const KINDS: [string, Parameters<typeof makeClip>[1]][] = [
  ['plain.mp4', {}],
  [`it's "odd": %d -name ünïcödé 日本.mkv`, {}],
  ['-leading dash.mov', {}],
  ['a:b.webm', { video: VP8, audio: ['-c:a', 'libopus'] }],
  ['stream.ts', {}],
  ['flash.flv', {}],
  ['old.avi', { video: ['-c:v', 'mpeg4'], audio: ['-c:a', 'libmp3lame'] }],
  ['silent.mp4', { audio: [] }],
];

describe('validate', () => {
  it.each([1, 5])('takes a film with %i MB of fonts for what it is', async (megabytes) => {
    const font = join(bench.folder, 'font.ttf');
    writeFileSync(font, randomBytes(megabytes * 1_000_000));
    const name = `inbox/fonts ${megabytes}.mkv`;
    const args = ['-v', 'error', '-i', join(bench.library, clip(`inbox/plain ${megabytes}.mkv`)), '-map', '0', '-c', 'copy', '-attach', font, '-metadata:s:t', 'mimetype=application/x-truetype-font'];
    execFileSync(process.env.FFMPEG_PATH ?? 'ffmpeg', [...args, join(bench.library, name)]);
    const { result } = await validate(name);
    expect(result).toMatchObject({ valid: true });
    const media = mediaInfoSchema.parse(result['media']);
    expect(media.streams.map(({ kind, extradata }) => [kind, extradata !== null])).toEqual([['video', true], ['audio', true], ['other', false]]);
  });

  it.each(KINDS)('finds %s valid and sends its packet index', async (name, options) => {
    const { result, order } = await validate(clip(`inbox/${name}`, options));
    expect(result).toMatchObject({ valid: true, indexParts: 1 });
    const parts = bench.hub.effects.filter(({ jobId }) => jobId === order.jobId);
    expect(parts.map(({ n }) => n)).toEqual([0]);
    const index = await decodePacketIndex(Buffer.from(String(parts[0]?.body['data']), 'base64'));
    expect(index.tracks[0]?.count).toBe(50);
    // MPEG-4 Part 2 has no pictures known to be safe to start at.
    expect((index.tracks[0]?.flags[0] ?? 0) & PacketFlag.idr).toBe(name.endsWith('.avi') ? 0 : PacketFlag.idr);
    expect(bench.hub.log(order)).toContain('Validation completed successfully');
  });
  it('decodes everything when asked to', async () => {
    const { order } = await validate('inbox/plain.mp4', true);
    expect(bench.hub.log(order)).toContain('decoded without an error');
  });

  it('says that an empty file is empty', () => invalid('inbox/empty.mp4', '', /^The file is empty\.$/));
  it('says that a text is no media', () => invalid('inbox/text.mp4', 'Hello, this is not a film.\n'.repeat(50), /not a media file/));
  it('does not follow a playlist to other files', () => invalid('inbox/list.mp4', '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nplain.mp4\n#EXT-X-ENDLIST\n', /not a media file/));
  it('does not take a picture for a video', () => invalid('inbox/picture.mp4', Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex'), /not a media file/));
  it('names the missing index of an MP4 cut short', () => {
    clip('inbox/cut.mp4');
    truncateSync(join(bench.library, 'inbox/cut.mp4'), 20_000);
    return invalid('inbox/cut.mp4', null, /moov atom/);
  });
  it.each([['front.mp4', ['-movflags', '+faststart']], ['cut.mkv', []], ['cut.flv', []]])('says how much of %s is there', async (name, more) => {
    clip(`inbox/${name}`, { seconds: 6, more });
    truncateSync(join(bench.library, `inbox/${name}`), Math.floor(statSync(join(bench.library, `inbox/${name}`)).size * 0.5));
    await invalid(`inbox/${name}`, null, /only \d+\.\d of 6\.\d seconds are there/);
  });
  it('takes sound alone, and no cover for a video', async () => {
    const [cover, tune] = [join(bench.folder, 'cover.png'), join(bench.folder, 'tune.m4a')];
    makeClip(cover, { audio: [], video: ['-frames:v', '1'] });
    makeClip(tune, { video: [] });
    const output = join(bench.library, 'inbox/song.mp4');
    execFileSync('ffmpeg', ['-v', 'error', '-i', tune, '-i', cover, '-map', '0', '-map', '1', '-c', 'copy', '-disposition:v:0', 'attached_pic', output]);
    const { result } = await validate('inbox/song.mp4');
    expect(result).toMatchObject({ valid: true, media: { streams: [{ kind: 'audio' }, { kind: 'other' }] } });
  });
});

describe('thumbnail_generate', () => {
  it('writes a JPEG of the width asked for', async () => {
    const { order, outcome } = await thumbnail('inbox/plain.mp4', 0.5);
    expect(resultOf(outcome)).toEqual({ width: 160, height: 90, storyboard: null });
    expect(readFileSync(partOf(order)).subarray(0, 2).toString('hex')).toBe('ffd8');
  });
  it('takes an earlier picture when there is none at that time', async () => {
    const { order, outcome } = await thumbnail(`inbox/it's "odd": %d -name ünïcödé 日本.mkv`, 60);
    expect(outcome.kind).toBe('completed');
    expect(bench.hub.log(order)).toContain('No picture at 60.00 s');
  });
  it('says that a song has no picture, and leaves no part', async () => {
    const { order, outcome } = await thumbnail('inbox/song.mp4', 0);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'no_video', retryable: false } });
    expect(existsSync(partOf(order))).toBe(false);
  });
});

describe('reencode_streaming', () => {
  const options = { videoId, targetBitrate: 500, preset: 'ultrafast', crf: 30, skipIfReady: false, durationSeconds: 2 };
  const encode = async (input: string, more: Record<string, unknown> = {}): Promise<{ order: WorkOrder; outcome: JobOutcome }> => {
    const order = await bench.hub.order('reencode_streaming', { ...options, ...more }, { input, output: `playback/out: "${newId()}".mp4` });
    return { order, outcome: await bench.hub.runToEnd(order) };
  };
  it.each(KINDS)('encodes %s', async (name) => {
    const { order, outcome } = await encode(`inbox/${name}`);
    expect(resultOf(outcome)).toMatchObject({ kind: 'encoded', encoder: 'libx264', media: { container: 'mp4' } });
    expect(outcome.kind === 'completed' && outcome.files).toEqual([{ name: 'result', sizeBytes: statSync(partOf(order)).size }]);
    const log = bench.hub.log(order);
    for (const line of ['Starting re-encode job', 'Input: ', 'Output: ', 'FFmpeg command: ffmpeg ', '-preset ultrafast -crf 30 -maxrate 500k -bufsize 1000k', 'Progress: 5%', 'Re-encode completed successfully', 'Output file size: ']) {
      if (line !== 'Progress: 5%') expect(log).toContain(line);
    }
    expect(log).toMatch(/Progress: \d+%/);
  });
  it('makes odd sizes even', async () => {
    clip('inbox/odd.mkv', { size: '321x181', video: ['-c:v', 'mpeg4'] });
    const { outcome } = await encode('inbox/odd.mkv');
    const { media } = resultOf(outcome) as { media: { streams: { width: number; height: number }[] } };
    expect(media.streams[0]).toMatchObject({ width: 320, height: 180 });
  });
  it('skips what is ready when asked to', async () => {
    const { outcome } = await encode('inbox/plain.mp4', { skipIfReady: true, targetBitrate: 50_000 });
    expect(outcome).toMatchObject({ kind: 'completed', files: [], result: { kind: 'skipped' } });
  });
  it('fails on a text with a clear reason that no retry can help', async () => {
    const { outcome } = await encode('inbox/text.mp4');
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'invalid_data', retryable: false, message: expect.stringMatching(/not a media file/) } });
  });
  it('reports progress to the hub, with the first at most 5 % apart as checkpoint', () => {
    expect(bench.hub.progress.some(({ phase }) => phase === 'encoding')).toBe(true);
    expect(bench.hub.progress.every(({ percent }) => percent >= 0 && percent <= 100)).toBe(true);
  });
});

describe('move_to_library', () => {
  it('gives the file a second name', async () => {
    const order = await bench.hub.order('move_to_library', { videoId, from: 'inbox/plain.mp4', to: 'library/new/plain.mp4' }, { input: 'inbox/plain.mp4', output: 'library/new/plain.mp4' });
    expect(resultOf(await bench.hub.runToEnd(order))).toEqual({ method: 'link' });
    expect(statSync(partOf(order)).ino).toBe(statSync(join(bench.library, 'inbox/plain.mp4')).ino);
  });
});

describe('scan', () => {
  it('finds videos, asks which are new, and sends the probed ones', async () => {
    const folder = join(bench.library, 'library/films');
    mkdirSync(join(folder, 'inner'), { recursive: true });
    for (const name of ['a.mp4', 'known.mp4', 'inner/b.MKV']) linkSync(join(bench.library, 'inbox/plain.mp4'), join(folder, name));
    writeFileSync(join(folder, 'broken.avi'), 'no film');
    writeFileSync(join(folder, 'notes.txt'), 'x');
    writeFileSync(join(folder, '.hidden.mp4'), 'x');
    symlinkSync('/etc/hostname', join(folder, 'outside.mp4'));
    symlinkSync(folder, join(folder, 'loop'));
    bench.hub.effectReply = (body) => {
      const files = body['files'] as { path: string }[];
      return body['kind'] === 'listing' ? { unknown: files.map(({ path }) => path).filter((path) => !path.includes('known')) } : { created: files.length, updated: 0 };
    };
    const order = await bench.hub.order('scan', { folder: 'library/films', skipExisting: true, recursive: true, isPublic: false });
    expect(resultOf(await bench.hub.runToEnd(order))).toEqual({ found: 4, known: 1, created: 3, updated: 0, invalid: 1 });
    const sent = bench.hub.effects.filter(({ jobId }) => jobId === order.jobId);
    expect(sent.map(({ n, body }) => [n, body['kind']])).toEqual([[0, 'listing'], [1, 'probed']]);
    const probed = sent[1]?.body['files'] as { path: string; invalidReason: string | null; media: unknown }[];
    expect(probed.map(({ path }) => path).toSorted()).toEqual(['library/films/a.mp4', 'library/films/broken.avi', 'library/films/inner/b.MKV']);
    expect(probed.find(({ path }) => path.endsWith('broken.avi'))?.invalidReason).toMatch(/not a media file/);
    expect(bench.hub.log(order)).toContain('Skipped library/films/outside.mp4');
  });
  it('says when the folder is not there', async () => {
    const order = await bench.hub.order('scan', { folder: 'library/none', skipExisting: true, recursive: true, isPublic: false });
    expect(await bench.hub.runToEnd(order)).toMatchObject({ kind: 'failed', error: { code: 'folder_missing', retryable: false } });
  });
});
