import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audioGrid, gridSegments, type OpenSession, type RenditionRecipe, type SessionRequest, segmentCount, videoGrid } from '@reelay/contracts';
import { createLogger, Ctx, newId, Shutdown, systemClock } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { ManualClock } from '@reelay/runtime/testing';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { fragmentSamples, findBox } from './mp4.ts';
import { Sessions } from './sessions.ts';

const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';
const logger = createLogger({ service: 'test', level: 'silent' });
const grid = videoGrid({ frameRate: { num: 30_000, den: 1_001 }, durationSeconds: 10, targetSeconds: 2 });
const sound = audioGrid(grid, { sampleRate: 48_000, durationSeconds: 10 });
const video: RenditionRecipe = { kind: 'video', streamIndex: 0, grid, width: 320, height: 180, videoKbps: 300, maxKbps: 500, level: 13, rotationDegrees: 0, deinterlace: false, toneMap: null };
const audio: RenditionRecipe = { kind: 'audio', streamIndex: 1, grid: sound, audioKbps: 96, channels: 2 };

let folder: string;
let supervisor: Supervisor;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-sessions-'));
  // Begins at 5 s on its own clock, as recordings do; sound with six channels.
  const made = spawnSync(FFMPEG, ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30000/1001:duration=10', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=10',
    '-c:v', 'mpeg4', '-g', '100', '-c:a', 'ac3', '-ac', '6', '-output_ts_offset', '5', join(folder, 'source.mkv')]);
  expect(made.stderr.toString()).toBe('');
  supervisor = new Supervisor({ logger, env: process.env });
}, 60_000);
afterAll(async () => {
  await supervisor.terminateAll(new Shutdown('the test ends'), 500);
  await rm(folder, { recursive: true, force: true });
});

/** A gateway that keeps what it is sent; `answer` may refuse. */
class Receiver {
  readonly pieces = new Map<string, Buffer>();
  answer: (path: string) => number = () => 200;
  /** Closes each connection when the first bytes of a body come. */
  breakOff = false;
  #server: Server = createServer();

  async start(): Promise<string> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (this.breakOff) request.socket.destroy();
      });
      request.on('error', () => {});
      request.on('end', () => {
        const path = request.url ?? '';
        const status = this.answer(path);
        if (status === 200) this.pieces.set(path.slice('/put/'.length), Buffer.concat(chunks));
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  of(headId: string): Buffer[] {
    return [...Array(100).keys()].flatMap((n) => this.pieces.get(`${headId}/${n}`) ?? []);
  }

  stop(): Promise<unknown> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

let receiver: Receiver;
let gatewayUrl: string;
let sessions: Sessions;
let clock: ManualClock | typeof systemClock;
const incarnation = newId();
const makeSessions = (encoder = 'libx264') => new Sessions({
  incarnation, ctx: Ctx.root('test'), supervisor, clock, logger, ffmpegPath: FFMPEG, cpus: 2, gatewayUrl, limit: () => 2, draining: () => false,
  libraryRoot: () => folder, encoderOf: () => encoder, gpuIndexOf: () => null, canToneMap: () => false,
});
beforeEach(async () => {
  receiver = new Receiver();
  gatewayUrl = await receiver.start();
  clock = systemClock;
  sessions = makeSessions();
});
afterEach(async () => {
  await sessions.stop();
  await receiver.stop();
  expect(supervisor.alive).toHaveLength(0);
});

const order = async (over: Partial<OpenSession> = {}): Promise<OpenSession> => {
  const info = await stat(join(folder, 'source.mkv'), { bigint: true });
  return {
    v: 1, kind: 'open', sessionId: newId(), incarnation, videoId: newId(), deviceId: 'software', gatewayUrl: null, publishPath: '/put', originSeconds: 5, fileStartSeconds: 5,
    source: { name: 'source', path: 'source.mkv', sizeBytes: Number(info.size), mtimeMs: Number(info.mtimeMs), inode: String(info.ino), url: '/file' },
    renditions: { h180: video, a0: audio }, ...over,
  };
};
const open = async (over: Partial<OpenSession> = {}): Promise<string> => {
  const message = await order(over);
  expect(await sessions.handle(message)).toMatchObject({ known: true, refusal: null });
  return message.sessionId;
};
const head = async (sessionId: string, over: Partial<Extract<SessionRequest, { kind: 'head' }>> = {}): Promise<string> => {
  const headId = newId();
  const reply = await sessions.handle({ v: 1, kind: 'head', sessionId, headId, renditionId: 'h180', from: 0, until: 100, urgent: false, ...over });
  expect(reply).toMatchObject({ known: true, refusal: null });
  return headId;
};
const keep = (sessionId: string, heads: { headId: string; until: number }[] = [], drop: { headId: string; reason: string }[] = []) => sessions.handle({ v: 1, kind: 'keep', sessionId, heads, drop });
const stateOf = async (sessionId: string, headId: string) => (await keep(sessionId)).heads.find((report) => report.headId === headId);
const untilOver = (sessionId: string, headId: string) => expect.poll(async () => (await stateOf(sessionId, headId))?.state, { timeout: 20_000 }).toMatch(/ended|failed/);
const pipe = async (sessionId: string, startSeconds = 0): Promise<string> => {
  const headId = newId();
  await sessions.handle({ v: 1, kind: 'pipe', sessionId, headId, path: `/put/${headId}`, startSeconds, video: 'h180', audio: 'a0' });
  return headId;
};
const tfdtOf = (segment: Buffer): number => Number(segment.readBigUInt64BE((findBox(segment, ['moof', 'traf', 'tfdt'])?.content ?? 0) + 4));
const framesOf = async (parts: Buffer[], kind: 'v' | 'a'): Promise<number[]> => {
  const path = join(folder, `${newId()}.mp4`);
  await writeFile(path, Buffer.concat(parts));
  const { stdout } = spawnSync(FFPROBE, ['-v', 'error', '-select_streams', kind, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', path], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '').map((line) => Number(line.split(',')[0]));
};

describe('a head', () => {
  it('of pictures makes the same segments from wherever it starts: one init, exact times, every picture', async () => {
    const sessionId = await open();
    const [whole, later] = [await head(sessionId), await head(sessionId, { from: 3 })];
    await untilOver(sessionId, whole);
    await untilOver(sessionId, later);
    expect(receiver.of(whole)).toHaveLength(segmentCount(grid));
    const init = receiver.pieces.get(`${whole}/init`) ?? Buffer.alloc(0);
    expect(receiver.pieces.get(`${later}/init`)?.equals(init)).toBe(true);
    const planned = gridSegments(grid);
    for (const [n, segment] of receiver.of(whole).entries()) {
      const at = planned[n];
      expect([tfdtOf(segment), fragmentSamples(segment).reduce((sum, { durationTicks }) => sum + durationTicks, 0)]).toEqual([at?.startTicks, at?.durationTicks]);
    }
    expect(receiver.of(later).map(tfdtOf)).toEqual(planned.slice(3).map(({ startTicks }) => startTicks));
    const spliced = [init, ...receiver.of(whole).slice(0, 3), ...receiver.of(later)];
    const times = await framesOf(spliced, 'v');
    expect(times).toHaveLength(grid.frames);
    expect(times.at(0)).toBe(0);
    expect(times.every((time, i) => Math.abs(time - (i * 1_001) / 30_000) < 0.001)).toBe(true);
  });
  it('of sound meets the next one without a gap, in whole AAC frames', async () => {
    const sessionId = await open();
    const [whole, later] = [await head(sessionId, { renditionId: 'a0' }), await head(sessionId, { renditionId: 'a0', from: 2 })];
    await untilOver(sessionId, whole);
    await untilOver(sessionId, later);
    for (const headId of [whole, later]) expect(await stateOf(sessionId, headId)).toMatchObject({ state: 'ended', detail: null });
    const planned = gridSegments(sound);
    expect(receiver.of(whole).map(tfdtOf)).toEqual(planned.map(({ startTicks }) => startTicks));
    expect(receiver.of(later).map(tfdtOf)).toEqual(planned.slice(2).map(({ startTicks }) => startTicks));
    const init = receiver.pieces.get(`${whole}/init`) ?? Buffer.alloc(0);
    expect(await framesOf([init, ...receiver.of(whole).slice(0, 2), ...receiver.of(later)], 'a')).toHaveLength(sound.frames);
  });
  it('goes no further than it may, and on when it may', async () => {
    const sessionId = await open();
    const headId = await head(sessionId, { until: 2 });
    await expect.poll(async () => (await stateOf(sessionId, headId))?.state, { timeout: 20_000 }).toBe('waiting');
    await expect.poll(() => receiver.of(headId).length).toBe(2);
    expect(supervisor.alive).toHaveLength(1);
    await keep(sessionId, [{ headId, until: 100 }]);
    await untilOver(sessionId, headId);
    expect(receiver.of(headId)).toHaveLength(segmentCount(grid));
  });
  it('that is dropped leaves no process, waiting or not', async () => {
    const sessionId = await open();
    const headId = await head(sessionId, { until: 1 });
    await expect.poll(async () => (await stateOf(sessionId, headId))?.state, { timeout: 20_000 }).toBe('waiting');
    await keep(sessionId, [], [{ headId, reason: 'seek' }]);
    await untilOver(sessionId, headId);
    expect(await stateOf(sessionId, headId)).toMatchObject({ state: 'ended', detail: 'superseded by seek', pid: null });
    expect(supervisor.alive).toHaveLength(0);
  });
  it('whose segments are not wanted ends without being called a failure', async () => {
    receiver.answer = (path) => (path.endsWith('/1') ? 409 : 200);
    const sessionId = await open();
    const headId = await head(sessionId);
    await untilOver(sessionId, headId);
    expect(await stateOf(sessionId, headId)).toMatchObject({ state: 'ended', next: 1 });
  });
  it('goes on in software when the hardware encoder fails, and says so', async () => {
    sessions = makeSessions('h264_nvenc');
    const sessionId = await open();
    const headId = await head(sessionId);
    await untilOver(sessionId, headId);
    expect(await stateOf(sessionId, headId)).toMatchObject({ state: 'ended', encoder: 'libx264', detail: expect.stringContaining('h264_nvenc failed') });
    expect(receiver.of(headId)).toHaveLength(segmentCount(grid));
  });
  it('of a file that is no film fails with the reason', async () => {
    await writeFile(join(folder, 'text.mkv'), 'no film');
    const info = await stat(join(folder, 'text.mkv'), { bigint: true });
    const { source } = await order();
    const sessionId = await open({ source: { ...source, path: 'text.mkv', sizeBytes: Number(info.size), mtimeMs: Number(info.mtimeMs), inode: String(info.ino) } });
    const headId = await head(sessionId);
    await untilOver(sessionId, headId);
    expect(await stateOf(sessionId, headId)).toMatchObject({ state: 'failed', detail: expect.stringMatching(/damaged|not a media file/) });
  });
});

describe('a pipe', () => {
  it('is one film from where it was asked for, with pictures and sound, to its end', async () => {
    const sessionId = await open();
    const headId = await pipe(sessionId, 6);
    await untilOver(sessionId, headId);
    expect(await stateOf(sessionId, headId)).toMatchObject({ state: 'ended', detail: null });
    // Its last bytes are on their way still.
    await expect.poll(() => receiver.pieces.has(headId)).toBe(true);
    const film = receiver.pieces.get(headId) ?? Buffer.alloc(0);
    const [pictures, sound2] = [await framesOf([film], 'v'), await framesOf([film], 'a')];
    expect(Math.abs(pictures.length - 120)).toBeLessThanOrEqual(2);
    expect(Math.abs(sound2.length - 188)).toBeLessThanOrEqual(6);
  });
  it('ends with its request: the encoder is gone when the gateway breaks off', async () => {
    receiver.breakOff = true;
    const sessionId = await open();
    const headId = await pipe(sessionId);
    await untilOver(sessionId, headId);
    expect(supervisor.alive).toHaveLength(0);
  });
});

describe('a session', () => {
  it('ends with all its heads when the gateway falls silent', async () => {
    const manual = new ManualClock();
    clock = manual;
    sessions = makeSessions();
    const sessionId = await open();
    await head(sessionId, { until: 1 });
    await expect.poll(() => supervisor.alive.length).toBe(1);
    manual.advance(7_000);
    await expect.poll(() => sessions.ids).toEqual([]);
    await expect.poll(() => supervisor.alive.length).toBe(0);
    expect(await keep(sessionId)).toMatchObject({ known: false });
  });
  it('is refused over the limit, to another start of the node, and twice the same is one', async () => {
    const first = await order();
    await sessions.handle(first);
    expect(await sessions.handle(first)).toMatchObject({ known: true, refusal: null });
    await open();
    expect(await sessions.handle(await order())).toMatchObject({ known: false, refusal: { code: 'busy' } });
    expect(await sessions.handle(await order({ incarnation: newId() }))).toMatchObject({ refusal: { code: 'wrong_incarnation' } });
  });
  it('reads a file that this node does not have from the gateway, with no token in the list of processes', async () => {
    const content = await readFile(join(folder, 'source.mkv'));
    const file = createServer((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(206, { 'content-length': content.length - start, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}`, 'accept-ranges': 'bytes' });
      response.end(content.subarray(start));
    });
    await new Promise<void>((resolve) => {
      file.listen(0, '127.0.0.1', resolve);
    });
    const address = file.address();
    const { source } = await order();
    sessions = new Sessions({
      incarnation, ctx: Ctx.root('test'), supervisor, clock, logger, ffmpegPath: FFMPEG, cpus: 2, gatewayUrl, limit: () => 2, draining: () => false,
      libraryRoot: () => null, encoderOf: () => 'libx264', gpuIndexOf: () => null, canToneMap: () => false,
    });
    // The receiver takes the segments; the file comes from the other address.
    const proxied = { ...source, url: `/secret-token` };
    receiver.answer = () => 200;
    const sessionId = await open({ source: proxied, gatewayUrl: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, publishPath: '/put' });
    const headId = await head(sessionId, { until: 1 });
    await expect.poll(() => supervisor.alive.length).toBe(1);
    const command = await readFile(`/proc/${supervisor.alive[0]?.pid}/cmdline`, 'utf8').catch(() => '');
    expect(command).not.toContain('secret-token');
    await untilOver(sessionId, headId);
    file.closeAllConnections();
    file.close();
  });
});
