/** Streams as they come out of a whole system: every rule, and where pictures and sound are, however they were asked for. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Randomness } from '../kit/random.ts';
import { type Film, Pieces, Station } from './station.ts';
import type { StreamCopy } from './stream.ts';
import { catchAnimal, ZOO } from './zoo.ts';
import { visit } from './zoo-visit.ts';
import { beepsIn, eventsIn, flashDue, flashesIn, makeSyncClip, type SyncClip } from './sync.ts';

const H264_AAC = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-x264-params', 'b-adapt=0', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
const HEVC_AC3 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-c:a', 'ac3'];
const MPEG2_MP2 = ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '15', '-bf', '2', '-c:a', 'mp2'];
const CLIPS = {
  'copy.mkv': { seconds: 20, codecs: H264_AAC },
  // The clock of a transport stream begins anew at 95,443.7 s.
  'wrap.ts': { seconds: 20, rate: '24000/1001', offsetSeconds: 95_433, codecs: H264_AAC },
  'film.mkv': { seconds: 16, rate: '24000/1001', size: '640x360', codecs: HEVC_AC3 },
  'recording.ts': { seconds: 12, rate: '30000/1001', offsetSeconds: 3_600, codecs: MPEG2_MP2 },
  'long.mkv': { seconds: 240, rate: '12', size: '480x272', codecs: ['-c:v', 'mpeg4', '-q:v', '8', '-g', '12', '-bf', '0', '-c:a', 'ac3'] },
} as const satisfies Record<string, SyncClip>;
type Name = keyof typeof CLIPS;
/** An AAC frame at 48 kHz. */
const AUDIO_FRAME = 1_024 / 48_000;

let station: Station;
const films = new Map<Name, Film>();
const clipOf = (name: Name): SyncClip => CLIPS[name];
const filmOf = (name: Name): Film => {
  const film = films.get(name);
  if (film === undefined) throw new Error(`no ${name}`);
  return film;
};

beforeAll(async () => {
  station = await Station.start();
  const names = Object.keys(CLIPS) as Name[];
  await Promise.all(names.map(async (name) => films.set(name, await station.film(await makeSyncClip(station.at(name), CLIPS[name])))));
}, 120_000);
afterAll(() => station.stop());

/** Flashes and beeps of pieces are where the clip has them: the picture of the second, and within one frame of sound. */
const expectInPlace = async (video: Parameters<typeof flashesIn>[0], audio: Parameters<typeof beepsIn>[0], rate: string, seconds: readonly number[]): Promise<void> => {
  const [{ times }, beeps] = await Promise.all([flashesIn(video), beepsIn(audio)]);
  const frame = 1 / (Number(rate.split('/')[0]) / Number(rate.split('/')[1] ?? 1));
  for (const second of seconds) {
    const due = flashDue(second, rate);
    expect(times.some((at) => Math.abs(at - due) < frame / 2), `flash of second ${second}, seen at ${times.map((at) => at.toFixed(3)).join(' ')}`).toBe(true);
    expect(beeps.some((at) => Math.abs(at - second) <= AUDIO_FRAME), `beep of second ${second}, heard at ${beeps.map((at) => at.toFixed(3)).join(' ')}`).toBe(true);
  }
};
const windowOf = (stream: StreamCopy, uri: string): { init: Uint8Array; segments: Uint8Array[] } => {
  const rendition = stream.renditions.find((candidate) => candidate.uri === uri);
  if (!rendition?.init) throw new Error(`no ${uri}`);
  return { init: rendition.init.bytes, segments: rendition.segments.map((segment) => segment?.bytes ?? new Uint8Array()) };
};
const whole = (seconds: number): number[] => Array.from({ length: seconds }, (_, second) => second);
const urlOf = (url: string | null): string => {
  if (url === null) throw new Error('there is no such stream');
  return url;
};

describe.each(['copy.mkv', 'wrap.ts'] as const)('%s, cut from the file', (name) => {
  it('keeps every rule, and all flashes and beeps are where they were', async () => {
    expect(filmOf(name).playback).toMatchObject({ mode: 'remux' });
    const { stream, complaints } = await station.check(urlOf(filmOf(name).copyUrl), { mode: 'copy' });
    expect(complaints).toEqual([]);
    const { seconds, rate = '25' } = clipOf(name);
    await expectInPlace(windowOf(stream, 'v0/index.m3u8'), windowOf(stream, 'a0/index.m3u8'), rate, whole(seconds - 1).slice(name === 'wrap.ts' ? 1 : 0));
  });
});

describe.each(['film.mkv', 'recording.ts'] as const)('%s, encoded', (name) => {
  it('keeps every rule, asked for in any order: each segment may come from a run of its own', async () => {
    const random = new Randomness(7).branch(name);
    const order = (count: number): number[] => whole(count).map((n) => ({ n, key: random.next() })).toSorted((a, b) => a.key - b.key).map(({ n }) => n);
    const { stream, complaints } = await station.check(urlOf(filmOf(name).encodedUrl), { mode: 'encoded', order });
    expect(complaints).toEqual([]);
    const { seconds, rate = '25' } = clipOf(name);
    const videos = stream.renditions.filter(({ kind }) => kind === 'video');
    for (const { uri } of videos) await expectInPlace(windowOf(stream, uri), windowOf(stream, 'a0/index.m3u8'), rate, whole(seconds - 1));
  });
});

const pieces = (get = station.get): Pieces => new Pieces(get, urlOf(filmOf('long.mkv').encodedUrl));
/** Two seconds each. */
const SEGMENTS = 120;
const expectWindow = async (of: Pieces, from: number, end: number, rung = 'h240'): Promise<void> => {
  const [video, audio] = await Promise.all([of.window(rung, from, end), of.window('a0', from, end)]);
  await expectInPlace(video, audio, CLIPS['long.mkv'].rate, whole(2 * end).slice(2 * from + 1));
};

describe('viewers of a long film', () => {
  it('jump far into it, back, and read on across what they looked at before', async () => {
    const mine = pieces();
    await expectWindow(mine, 100, 102);
    await expectWindow(mine, 40, 42);
    for (const n of [46, 44, 48]) await mine.segment('h240', n);
    await expectWindow(mine, 43, 50);
  });

  it('switch between all rungs and come back, picture for picture', async () => {
    const film = new Pieces(station.get, urlOf(filmOf('film.mkv').encodedUrl));
    const rungs = ['h240', 'h360'];
    for (let n = 0; n < 8; n += 1) {
      const rung = rungs[n % 2] ?? 'h240';
      const { pictures } = await flashesIn({ init: await film.init(rung), segments: [await film.segment(rung, n)] });
      expect(pictures).toBe(48);
    }
  });

  it('seek 30 times in 3 s, and then it plays', async () => {
    const random = new Randomness(11);
    const mine = pieces();
    const left: Promise<unknown>[] = [];
    for (let i = 0; i < 30; i += 1) {
      const abort = new AbortController();
      const n = random.between(0, SEGMENTS - 5);
      for (const rendition of ['h240', 'a0']) left.push(fetch(mine.url(`${rendition}/${n}.m4s`), { headers: { authorization: `Bearer ${station.client.token}` }, signal: abort.signal }).then((answer) => answer.arrayBuffer()).catch(() => null));
      await new Promise((resolve) => setTimeout(resolve, 100));
      abort.abort();
    }
    await Promise.all(left);
    const startedMs = performance.now();
    await expectWindow(mine, 70, 73);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
  });

  it('three at once, far apart, all see and hear the same film', async () => {
    const viewers = await Promise.all([station.viewer(), station.viewer(), station.viewer()]);
    await Promise.all(viewers.map((get, i) => expectWindow(pieces(get), 8 + i * 36, 11 + i * 36)));
  });

  it('go on with the same bytes when the gateway is killed, and the node knows nothing of the old ones for long', async () => {
    const mine = pieces();
    const before = await mine.segment('h240', 90);
    const watching = mine.patiently('h240/91.m4s');
    await station.system.kill('gateway', 'SIGKILL');
    await watching;
    expect(Buffer.from(await mine.patiently('h240/90.m4s')).equals(before)).toBe(true);
    const [video, audio] = [await mine.window('h240', 89, 93), await mine.window('a0', 89, 93)];
    await expectInPlace(video, audio, CLIPS['long.mkv'].rate, whole(186).slice(179));
    await station.client.untilNow('heads of the old gateway to be gone', async () => {
      const known = new Set((await station.streams()).data.flatMap(({ heads }) => heads.map(({ pid }) => pid)));
      return (await station.system.workers()).every(({ pid }) => known.has(pid));
    });
  });

  it('go on when the node is killed and another start of it comes', async () => {
    const mine = pieces();
    await mine.segment('h360', 57);
    await station.system.kill('node-agent', 'SIGKILL');
    // Nobody has been there before.
    await mine.patiently('h360/100.m4s', 60_000);
    await expectWindow(mine, 100, 103, 'h360');
  });

  it.each([0, 5.5])('get the film in one piece from %s s on, pictures and sound together', async (start) => {
    const answer = await station.get(`${station.system.baseUrl}/api/media/videos/${filmOf('film.mkv').video.id}/live.mp4?start=${start}&height=240`);
    expect(answer.status).toBe(200);
    const path = station.at(`live-${start}.mp4`);
    await writeFile(path, answer.bytes);
    const { flashes, beeps } = await eventsIn(path);
    expect(flashes.length).toBeGreaterThan(8);
    for (const [i, at] of flashes.slice(1).entries()) expect(Math.min(...beeps.map((beep) => Math.abs(beep - at))), `flash ${i + 1} at ${at}, beeps at ${beeps.join(' ')}`).toBeLessThan(AUDIO_FRAME + 1 / 24);
  });
});

describe('difficult sources', () => {
  it.each(ZOO.filter(({ always }) => always))('$name', async (animal) => {
    expect(await visit(animal, await station.film(await catchAnimal(animal, (name) => station.at(name))), station)).toEqual([]);
  });
});
