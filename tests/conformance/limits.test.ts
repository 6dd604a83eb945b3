/** One node with room for one stream and an encoder that fails in the middle: viewers get the film, or a clear answer at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeNvidiaSmi, ffmpegWithFailingNvenc } from '../kit/fake-tools.ts';
import { type Film, Pieces, Station } from './station.ts';
import { textOf } from './stream.ts';
import { beepsIn, flashesIn, makeSyncClip } from './sync.ts';

const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '25', '-c:a', 'mp2'];
let tools: string;
let station: Station;
let films: Film[];

beforeAll(async () => {
  tools = await mkdtemp(join(tmpdir(), 'reelay-tools-'));
  const [nvidia, ffmpeg] = await Promise.all([fakeNvidiaSmi(tools), ffmpegWithFailingNvenc(tools, 150)]);
  station = await Station.start({ env: { NVIDIA_SMI_PATH: nvidia, FFMPEG_PATH: ffmpeg, MAX_CONCURRENT_TRANSCODES: '1' } });
  films = await Promise.all(['one.mkv', 'two.mkv'].map(async (name, i) => station.film(await makeSyncClip(station.at(name), { seconds: i === 0 ? 90 : 20, codecs: MPEG2 }))));
}, 120_000);
afterAll(async () => {
  await station.stop();
  await rm(tools, { recursive: true, force: true });
});

const urlOf = (n: number): string => films[n]?.encodedUrl ?? '';

describe('an encoder that fails in the middle', () => {
  it('is replaced by libx264 there, unseen by the viewer, and the stream and the log say so', async () => {
    const pieces = new Pieces(station.get, urlOf(0));
    const [video, audio] = [await pieces.window('h240', 0, 8), await pieces.window('a0', 0, 8)];
    const seconds = Array.from({ length: 16 }, (_, second) => second);
    expect((await flashesIn(video)).times).toEqual(seconds);
    expect((await beepsIn(audio)).map((at) => Math.round(at))).toEqual(seconds);
    const stream = (await station.streams()).data.find(({ videoId }) => videoId === films[0]?.video.id);
    expect(stream).toMatchObject({ encoder: 'libx264', detail: expect.stringMatching(/h264_nvenc failed .*goes on with libx264/) });
    expect(station.system.output()).toMatch(/the encoder failed; the session goes on in software/);
  });
});

describe('over the limit of streams', () => {
  it('a viewer of another film is told at once that all places are taken, and when to come back', async () => {
    const startedMs = performance.now();
    const answer = await station.get(new URL('h240/0.m4s', urlOf(1)).href);
    expect(performance.now() - startedMs).toBeLessThan(9_900);
    expect([answer.status, JSON.parse(textOf(answer))]).toMatchObject([503, { code: 'no_encoder', detail: expect.stringMatching(/1 of 1|places|1/) }]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.headers.get('cache-control')).toContain('no-store');
    const live = await station.get(`${station.system.baseUrl}/api/media/videos/${films[1]?.video.id}/live.mp4`);
    expect([live.status, Number(live.headers.get('retry-after')) > 0]).toEqual([503, true]);
  });

  it('and gets the film when nobody has asked for the other one for a while', async () => {
    const bytes = await new Pieces(station.get, urlOf(1)).patiently('h240/0.m4s', 40_000);
    expect(bytes.length).toBeGreaterThan(500);
    expect((await station.streams()).data.map(({ videoId }) => videoId)).toEqual([films[1]?.video.id]);
  });
});

/** Streams are counted on each node, and on all together. */
describe('over the limit of the fleet', () => {
  let small: Station;
  let two: Film[];
  beforeAll(async () => {
    small = await Station.start({ env: { MAX_CONCURRENT_TRANSCODES: '4', REELAY_FLEET_TRANSCODES: '1' } });
    two = await Promise.all(['one.mkv', 'two.mkv'].map(async (name) => small.film(await makeSyncClip(small.at(name), { seconds: 20, codecs: MPEG2 }))));
  }, 120_000);
  afterAll(() => small.stop());
  const segmentOf = (n: number): string => new URL('h240/0.m4s', two[n]?.encodedUrl ?? '').href;

  it('a viewer is told so although a node has places, and gets the film when the place is free', async () => {
    expect((await small.get(segmentOf(0))).status).toBe(200);
    const answer = await small.get(segmentOf(1));
    expect([answer.status, JSON.parse(textOf(answer))]).toMatchObject([503, { code: 'no_encoder', detail: expect.stringContaining('All nodes together encode 1 video at a time') }]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await new Pieces(small.get, two[1]?.encodedUrl ?? '').patiently('h240/0.m4s', 40_000)).length).toBeGreaterThan(500);
    expect((await small.streams()).data.map(({ videoId }) => videoId)).toEqual([two[1]?.video.id]);
  });
});
