/** Subtitles and storyboards, as the agent makes them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JobOutcome, parseCues, storyboardSchema, type SubtitleTrack, subtitleTracksSchema, type WorkOrder } from '@reelay/contracts';
import { newId, partName } from '@reelay/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeClip } from '../testing/clips.ts';
import { type RunningAgent, TestBench } from '../testing/test-node.ts';

let bench: TestBench;
let node: RunningAgent;
const videoId = newId();

beforeAll(async () => {
  bench = await TestBench.open();
  node = await bench.startAgent();
  mkdirSync(join(bench.library, 'inbox'));
  makeClip(join(bench.library, 'inbox/plain.mp4'), {});
});
afterAll(async () => {
  await node.stop();
  await bench.close();
});

const resultOf = (outcome: JobOutcome): Record<string, unknown> => {
  expect(outcome).toMatchObject({ kind: 'completed' });
  return outcome.kind === 'completed' ? outcome.result : {};
};
const extraOutput = (order: WorkOrder, name: string, path: string): WorkOrder['outputs'][number] =>
  ({ name, path, partPath: partName(path, order.jobId, order.epoch), url: `/outputs/${order.jobId}`, onConflict: 'rename' });

const board = async (input: string, storyboard: object): Promise<{ order: WorkOrder; outcome: JobOutcome; sheets: string }> => {
  const order = await bench.hub.order('thumbnail_generate', { videoId, timestampSeconds: 0, width: 160, storyboard }, { input, output: `thumbnails/${newId()}.jpg` });
  const output = extraOutput(order, 'storyboard', `thumbnails/${order.jobId}.mjpeg`);
  const outcome = await bench.hub.runToEnd({ ...order, outputs: [...order.outputs, output] });
  return { order, outcome, sheets: join(bench.library, output.partPath) };
};
const ffmpeg = (...args: string[]): void => void execFileSync(process.env.FFMPEG_PATH ?? 'ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args]);
const extract = async (input: string, sidecars: string[] = []): Promise<{ tracks: SubtitleTrack[]; texts: string[]; order: WorkOrder; outcome: JobOutcome }> => {
  const order = await bench.hub.order('validate', { videoId, deep: false, sidecars: sidecars.map((_, n) => ({ name: `sidecar${n}`, language: 'fr', isForced: false, isForDeaf: true })) }, { input });
  const beside = await Promise.all(sidecars.map(async (path, n) => ({ ...(await bench.hub.order('validate', {}, { input: path })).inputs[0], name: `sidecar${n}` })));
  const output = extraOutput(order, 'subtitles', `thumbnails/${order.jobId}.subtitles.vtt`);
  const outcome = await bench.hub.runToEnd({ ...order, inputs: [...order.inputs, ...beside] as WorkOrder['inputs'], outputs: [output] });
  const tracks = subtitleTracksSchema.parse(resultOf(outcome)['subtitles']);
  const path = join(bench.library, output.partPath);
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  return { tracks, texts: tracks.map(({ from, bytes: length }) => bytes.subarray(from, from + length).toString()), order, outcome };
};

describe('a storyboard', () => {
  const plan = { intervalSeconds: 0.5, pictures: 4, columns: 2, rows: 1, tileWidth: 160, keyframesOnly: false };
  it.each([true, false])('is sheets of JPEG, one behind the other (keyframes only: %s)', async (keyframesOnly) => {
    const { outcome, sheets } = await board('inbox/plain.mp4', { ...plan, keyframesOnly });
    const made = storyboardSchema.parse(resultOf(outcome)['storyboard']);
    expect(made).toMatchObject({ pictures: 4, tileWidth: 160, tileHeight: 90, columns: 2, rows: 1 });
    expect(made.sheets).toHaveLength(2);
    const bytes = readFileSync(sheets);
    for (const { from, bytes: length } of made.sheets) {
      expect([bytes.subarray(from, from + 2).toString('hex'), bytes.subarray(from + length - 2, from + length).toString('hex')]).toEqual(['ffd8', 'ffd9']);
    }
    expect(made.sheets.reduce((sum, { bytes: length }) => sum + length, 0)).toBe(bytes.length);
  });
  it('that cannot be made costs the thumbnail nothing', async () => {
    const { order, outcome, sheets } = await board('inbox/plain.mp4', { ...plan, tileWidth: 100_000_000 });
    expect(resultOf(outcome)).toEqual({ width: 160, height: 90, storyboard: null });
    expect(bench.hub.log(order)).toContain('No pictures for the seek bar');
    expect(existsSync(sheets)).toBe(false);
  });
});

describe('subtitles', () => {
  const SRT = '1\n00:00:00,500 --> 00:00:01,000\nHéllo <i>there</i>\n\n2\n00:00:01,200 --> 00:00:01,900\ntwo\nlines\n';
  it('of several kinds, in the file and beside it, become WebVTT on the file\'s clock', async () => {
    const srt = join(bench.library, 'inbox/film.fr.sdh.srt');
    writeFileSync(srt, Buffer.from(SRT, 'latin1'));
    const utf8 = join(bench.folder, 'utf8.srt');
    writeFileSync(utf8, SRT);
    ffmpeg('-i', join(bench.library, 'inbox/plain.mp4'), '-i', utf8, '-map', '0', '-map', '1', '-map', '1', '-c', 'copy', '-c:s:0', 'srt', '-c:s:1', 'ass',
      '-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=ger', '-disposition:s:0', 'default', '-disposition:s:1', 'forced', '-output_ts_offset', '100', join(bench.library, 'inbox/film.mkv'));
    const { tracks, texts, outcome } = await extract('inbox/film.mkv', ['inbox/film.fr.sdh.srt']);
    expect(tracks).toMatchObject([
      { id: 's0', language: 'eng', isDefault: true, isForced: false, cues: 2 }, { id: 's1', language: 'ger', isForced: true, cues: 2 }, { id: 's2', language: 'fr', isForDeaf: true, cues: 2 },
    ]);
    for (const text of texts) {
      const cues = parseCues(text);
      expect(cues.map((cue) => cue.text)).toEqual(['Héllo <i>there</i>', 'two\nlines']);
      expect(Math.abs((cues[0]?.startMs ?? 0) - 100_500)).toBeLessThan(60);
    }
    expect(outcome.kind === 'completed' && outcome.files.map(({ name }) => name)).toEqual(['subtitles']);
  });

  it('of MP4', async () => {
    const utf8 = join(bench.folder, 'utf8.srt');
    ffmpeg('-i', join(bench.library, 'inbox/plain.mp4'), '-i', utf8, '-map', '0', '-map', '1', '-c', 'copy', '-c:s', 'mov_text', join(bench.library, 'inbox/text.mp4'));
    expect((await extract('inbox/text.mp4')).tracks).toMatchObject([{ id: 's0', cues: 2 }]);
  });

  it('that cannot be read leave the video valid', async () => {
    const { tracks, order, outcome } = await extract('inbox/film.mkv', []);
    expect(tracks).toHaveLength(2);
    // The same file with the text of both tracks overwritten.
    const bytes = readFileSync(join(bench.library, 'inbox/film.mkv'));
    for (let at = bytes.indexOf('two'); at >= 0; at = bytes.indexOf('two', at + 1)) bytes.fill(0xff, at, at + 3);
    writeFileSync(join(bench.library, 'inbox/broken.mkv'), bytes);
    const broken = await extract('inbox/broken.mkv');
    expect(resultOf(broken.outcome)).toMatchObject({ valid: true });
    expect(resultOf(outcome)).toMatchObject({ valid: true });
    expect(bench.hub.log(order)).toContain('Subtitles: s0 eng, 2 cues; s1 ger, 2 cues');
    writeFileSync(join(bench.library, 'inbox/none.srt'), 'nothing in here');
    expect((await extract('inbox/plain.mp4', ['inbox/none.srt'])).tracks).toEqual([]);
  });

  it('are sent by a node that does not hold the library', async () => {
    await node.stop();
    node = await bench.startAgent({ MEDIA_LIBRARY_PATH: undefined });
    const { tracks, order } = await extract('inbox/film.mkv', ['inbox/film.fr.sdh.srt']);
    expect(tracks.map(({ id, cues }) => [id, cues])).toEqual([['s0', 2], ['s1', 2], ['s2', 2]]);
    expect(bench.hub.uploads.get(order.jobId)?.sizeBytes).toBe(tracks.reduce((sum, { bytes }) => sum + bytes, 0));
  });
});
