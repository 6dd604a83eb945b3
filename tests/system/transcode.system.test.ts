/** Videos that no browser decodes, encoded while somebody watches: as a player, an ffmpeg and an ops person meet them. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Playback, StreamList, Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayProcess } from '../kit/gateway-process.ts';
import { isGone } from '../kit/processes.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';
import { makeClip } from './clips.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';
const HEVC_AC3 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-tag:v', 'hvc1', '-c:a', 'ac3'];

let system: System;
let client: Client;
let folder: string;
let video: Video;
let playback: Playback;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-transcode-'));
  const [started, clip] = await Promise.all([startSystem(), makeClip(join(folder, 'film.mkv'), { seconds: 300, size: '640x360', rate: '24000/1001', codecs: HEVC_AC3 })]);
  system = started;
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const uploaded = await client.upload(clip);
  video = await client.untilVideo(uploaded.body.id, ({ valid }) => valid !== null, 90_000);
  playback = await client.ok('GET', `/api/media/videos/${video.id}/playback`);
}, 180_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const urlOf = (path: string): string => new URL(path, new URL(playback.masterUrl ?? '', system.baseUrl)).href;
const get = (path: string, headers: Record<string, string> = {}, signal: AbortSignal | null = null): Promise<Response> =>
  fetch(urlOf(path), { headers: { authorization: `Bearer ${client.token}`, ...headers }, signal });
const streams = (): Promise<StreamList> => client.ok('GET', '/api/media/streams');
/** The film in one piece. */
const live = (query: string, signal: AbortSignal | null = null): Promise<Response> =>
  fetch(`${system.baseUrl}/api/media/videos/${video.id}/live.mp4${query}`, { headers: { authorization: `Bearer ${client.token}` }, signal });
/** Headers of another person at another player. */
const viewer = async (): Promise<Record<string, string>> => {
  const other = new Client(system.baseUrl);
  await other.login('admin', system.adminPassword);
  return { authorization: `Bearer ${other.token}` };
};
const segment = async (rendition: string, n: number, headers: Record<string, string> = {}): Promise<Uint8Array> => {
  const response = await get(`${rendition}/${n}.m4s`, headers);
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([response.status, response.status === 200 ? '' : Buffer.from(bytes).toString()]).toEqual([200, '']);
  return bytes;
};

/** Compared by hash: where bytes differ, a list of all differences takes minutes. */
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Times of the pictures or frames of sound that a decoder makes of pieces. */
const times = async (pieces: Uint8Array[], kind: 'v' | 'a'): Promise<number[]> => {
  const path = join(folder, `${Math.random()}.mp4`);
  await writeFile(path, Buffer.concat(pieces));
  const { stdout } = await run(FFPROBE, ['-v', 'error', '-select_streams', kind, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', path], { maxBuffer: 1 << 26 });
  return stdout.split('\n').filter((line) => line !== '').map((line) => Number(line.split(',')[0]));
};

describe('a video that must be encoded', () => {
  it('says so, with all there is to choose', () => {
    expect(playback).toMatchObject({ mode: 'transcode', available: true, reason: expect.stringMatching(/HEVC.*encoded while you watch/), fileUrl: null, ladderUrl: null });
    expect(playback.renditions.map(({ id, label, mode }) => [id, label, mode])).toEqual([['h360', '360p', 'encode'], ['h240', '240p', 'encode']]);
    expect(playback.audioTracks).toMatchObject([{ id: 'a0', codec: 'aac', isDefault: true }]);
  });

  it('is read by ffmpeg from the master URL alone, a minute long', async () => {
    const { stderr } = await run(FFMPEG, ['-nostdin', '-hide_banner', '-v', 'warning', '-headers', `Authorization: Bearer ${client.token}\r\n`, '-i', urlOf(playback.masterUrl ?? ''), '-t', '60', '-f', 'null', '-'], { timeout: 120_000 });
    expect(stderr).toBe('');
  }, 150_000);

  it('plays on where a viewer jumps to, forth and back, with every picture in its place', async () => {
    const init = new Uint8Array(await (await get('h240/init.mp4')).arrayBuffer());
    const order = [40, 41, 42, 5, 6, 7, 50];
    for (const n of order) await segment('h240', n);
    const spliced = await Promise.all([5, 6, 7].map((n) => segment('h240', n)));
    const found = await times([init, ...spliced], 'v');
    expect(found).toHaveLength(3 * 48);
    expect(found[0]).toBeCloseTo((5 * 48 * 1_001) / 24_000, 3);
  }, 60_000);
});

describe('several at once', () => {
  it('two viewers far apart have encoders of their own, and share what is made', async () => {
    const other = await viewer();
    const before = new Set((await streams()).data.flatMap(({ heads }) => heads.map(({ id }) => id)));
    // In the order of a player: on connections of their own, requests sent at once arrive in any order.
    const [first] = await Promise.all([segment('h360', 55), segment('h360', 140, other)]);
    await Promise.all([...[56, 57, 58].map((n) => segment('h360', n)), ...[141, 142, 143].map((n) => segment('h360', n, other))]);
    expect(hashOf(await segment('h360', 55, other))).toBe(hashOf(first));
    const list = await streams();
    expect(list.data).toHaveLength(1);
    expect(list.data[0]).toMatchObject({ videoId: video.id, kind: 'segments', state: 'open', nodeId: expect.any(String), encoder: 'libx264', viewers: 2 });
    // Those of the tests before this one may still wait; each viewer has one more.
    expect(list.data[0]?.heads.filter(({ id }) => !before.has(id)).map(({ from }) => from).toSorted((a, b) => a - b)).toEqual([55, 140]);
  });

  it('a place that somebody jumps to has its sound made with the pictures', async () => {
    await Promise.all([segment('a0', 20), segment('h360', 20)]);
    const pictures = segment('h360', 120);
    await client.untilNow('an encoder of the sound', async () => (await streams()).data.some(({ heads }) => heads.some(({ renditionId, from }) => renditionId === 'a0' && (from === 119 || from === 120))));
    await pictures;
  });

  it('a dragged seek bar starts few encoders, and where it stops there is a picture', async () => {
    const before = new Set((await streams()).data.flatMap(({ heads }) => heads.map(({ id }) => id)));
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      for (const { heads } of (await streams()).data) for (const { id } of heads) if (!before.has(id)) seen.add(id);
    };
    for (let i = 0; i < 20; i += 1) {
      const abort = new AbortController();
      const asked = get(`h240/${(i * 7) % 79 + 60}.m4s`, {}, abort.signal).catch(() => null);
      const looked = look();
      await new Promise((resolve) => setTimeout(resolve, 100));
      // Whoever looks must not hold the seek bar: where it rests for 250 ms an encoder is right.
      abort.abort();
      await Promise.all([asked, looked, look()]);
    }
    await segment('h240', 145);
    expect(seen.size).toBeLessThanOrEqual(5);
  });

  it('twenty requests for as many places, none withdrawn, are all answered before a player gives up', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => get(`a0/${(i * 11) % 149}.m4s`)));
    for (const answer of answers) expect([200, 503]).toContain(answer.status);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  });
});

describe('faults', () => {
  it('an encoder that is killed is replaced before the viewer notices much', async () => {
    const done = segment('h360', 100);
    await client.untilNow('an encoder to run', async () => (await streams()).data.some(({ heads }) => heads.some(({ from, pid }) => from === 100 && pid !== null)));
    for (const { pid } of await system.workers()) process.kill(pid, 'SIGKILL');
    await done;
    expect((await segment('h360', 101)).length).toBeGreaterThan(1_000);
  });

  it('a gateway that is killed in the middle is back with what was made, and goes on', async () => {
    const first = await get('h360/90.m4s');
    const before = hashOf(new Uint8Array(await first.arrayBuffer()));
    const tag = (first.headers.get('etag') ?? '').replaceAll('"', '');
    // It is answered before it is on the disk.
    await client.untilNow('the segment to be on the disk', async () => (await readdir(system.folder, { recursive: true })).some((path) => path.endsWith(`.${tag}`)));
    const base = new URL(system.baseUrl);
    await system.kill('gateway', 'SIGKILL');
    const startedMs = performance.now();
    let answer: Response | null = null;
    while (answer?.status !== 200 && performance.now() - startedMs < 30_000) {
      answer = await get('h360/90.m4s').catch(() => null);
      if (answer === null) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect([answer?.status, hashOf(new Uint8Array(await (answer?.arrayBuffer() ?? new ArrayBuffer(0))))]).toEqual([200, before]);
    expect((await get('h360/120.m4s')).status).toBe(200);
    expect(base.port).toBe(new URL(system.baseUrl).port);
  });

  it('a node that is killed in the middle is replaced by its next start', async () => {
    await system.kill('node-agent', 'SIGKILL');
    const startedMs = performance.now();
    let status = 0;
    while (status !== 200 && performance.now() - startedMs < 60_000) status = (await get('h360/132.m4s')).status;
    expect(status).toBe(200);
  });

  it('ended by hand its encoder is gone, whoever waits is told who did it, and it is back when asked for later', async () => {
    await segment('h360', 133);
    const pids = async (): Promise<number[]> => (await streams()).data.flatMap(({ heads }) => heads.flatMap(({ pid }) => pid ?? []));
    await client.untilNow('an encoder to be listed', async () => (await pids()).some((pid) => !isGone(pid)));
    const encoders = await pids();
    const [stream] = (await streams()).data;
    // A node that stands still starts nothing: whoever asks now is on hold for sure.
    const agent = system.pidOf('node-agent');
    process.kill(agent, 'SIGSTOP');
    try {
      const waiting = get('h240/30.m4s');
      await client.untilNow('somebody to wait', async () => (await streams()).data.some(({ heads }) => heads.some(({ renditionId, from }) => renditionId === 'h240' && (from === 29 || from === 30))));
      expect(await client.call('DELETE', `/api/media/streams/${stream?.id}`)).toMatchObject({ status: 200 });
      const told = await waiting;
      expect([told.status, await told.json()]).toMatchObject([503, { code: 'unavailable', detail: expect.stringContaining('ended by hand by admin') }]);
    } finally {
      process.kill(agent, 'SIGCONT');
    }
    await client.untilNow('its encoders to be gone', async () => encoders.every(isGone));
    const refused = await get('h240/30.m4s');
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'no_encoder', detail: 'The stream was ended by hand by admin.' }]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await client.call('DELETE', `/api/media/streams/${stream?.id}`)).status).toBe(404);
    await client.untilNow('it to be back', async () => (await get('h240/30.m4s')).status === 200);
    expect((await streams()).data.map(({ id }) => id)).not.toContain(stream?.id);
  });
});

describe('the film in one piece', () => {
  it('plays from where it was asked for to its end', async () => {
    const answer = await live('?start=290&height=240');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([200, 'video/mp4', 'no-store']);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const found = await times([bytes], 'v');
    expect(found.length / (24_000 / 1_001)).toBeGreaterThan(9);
    await client.untilNow('its encoder to be gone', async () => (await streams()).data.every(({ kind }) => kind !== 'pipe'));
  });
  it('ends with its request, and begins nothing for a HEAD or beyond the end', async () => {
    const heads = new Set((await system.workers()).map(({ pid }) => pid));
    const abort = new AbortController();
    const answer = await live('?start=0', abort.signal);
    const reader = answer.body?.getReader();
    await reader?.read();
    expect((await streams()).data.some(({ kind }) => kind === 'pipe')).toBe(true);
    expect((await system.workers()).some(({ pid }) => !heads.has(pid))).toBe(true);
    abort.abort();
    await reader?.read().catch(() => undefined);
    await client.untilNow('its encoder to be gone', async () => (await system.workers()).every(({ pid }) => heads.has(pid)));
    expect((await live('?start=500')).status).toBe(422);
    const head = await fetch(`${system.baseUrl}/api/media/videos/${video.id}/live.mp4`, { method: 'HEAD', headers: { authorization: `Bearer ${client.token}` } });
    expect([head.status, (await streams()).data.some(({ kind }) => kind === 'pipe')]).toEqual([200, false]);
  });
});

/** The stream of the second gateway, as the one that is asked lists it. */
const of = async (at: Client): Promise<StreamList['data'][number] | undefined> => (await at.ok<StreamList>('GET', '/api/media/streams')).data.find(({ gateway }) => gateway === 'second');

describe('two gateways', () => {
  it('each lists the streams of both, and ends them; one that stands still holds nothing up', async () => {
    const second = await GatewayProcess.beside(system, 'second', { REELAY_GATEWAY_NAME: 'second' });
    await second.start();
    const there = new Client(`http://${second.address}`);
    await there.login('admin', system.adminPassword);
    const asked = fetch(urlOf('h240/12.m4s').replace(system.baseUrl, there.baseUrl), { headers: { authorization: `Bearer ${there.token}` } });
    expect((await asked).status).toBe(200);
    expect(await of(client)).toMatchObject({ videoId: video.id, viewers: 1, unreachable: false, nodeId: expect.any(String), heads: [{ renditionId: 'h240', from: 12 }] });
    await client.untilNow('its process to be known', async () => (await of(client))?.heads[0]?.pid !== null);
    // What lies in the cache opens no stream, and the one that was ended by hand above is refused for a moment.
    let n = 148;
    await client.untilNow('a stream of the first gateway', async () => {
      const answer = await get(`h360/${n}.m4s`);
      await answer.arrayBuffer();
      if (answer.status === 200) n -= 1;
      return (await streams()).data.some(({ gateway }) => gateway !== 'second');
    });
    expect((await there.ok<StreamList>('GET', '/api/media/streams')).data.filter(({ unreachable }) => !unreachable)).toHaveLength(2);

    second.freeze(true);
    expect(await of(client)).toMatchObject({ unreachable: true, viewers: 1 });
    second.freeze(false);
    await client.untilNow('the other gateway to answer again', async () => (await of(client))?.unreachable === false);
    const stream = await of(client);
    expect((await client.call('DELETE', `/api/media/streams/${stream?.id}`)).status).toBe(200);
    expect(await of(there)).toBeUndefined();
    await client.untilNow('its encoder to be gone', async () => (await system.workers()).every(({ pid }) => pid !== stream?.heads[0]?.pid));
    expect(await second.stop()).toBe(0);
  }, 60_000);
});

describe('the list of streams', () => {
  it('names the process that runs, how far it is and how fast, and moves with it', async () => {
    let n = 59;
    const seen = new Map<string, { pid: number; uptime: number; next: number }>();
    let moved: number | null = null;
    await client.untilNow('figures that move', async () => {
      // Whoever watches on keeps it encoding: one that is far ahead waits, and has no speed.
      n += 1;
      await segment('h360', n);
      for (const { uptimeSeconds: uptime, heads } of (await streams()).data) {
        for (const { id, pid, next, speed } of heads) {
          if (pid === null || (speed ?? 0) <= 0) continue;
          const first = seen.get(id) ?? { pid, uptime, next };
          seen.set(id, first);
          if (pid === first.pid && uptime > first.uptime && next > first.next) moved = pid;
        }
      }
      return moved !== null;
    });
    const command = (await readFile(`/proc/${moved}/cmdline`, 'utf8')).split('\0');
    expect([command.some((word) => /(^|\/)ffmpeg$/.test(word)), command.some((word) => word.startsWith(`file:${system.libraryRoot}/`))]).toEqual([true, true]);
    expect((await system.workers()).map(({ pid }) => pid)).toContain(moved);
  }, 60_000);
});

describe('in the end', () => {
  it('no encoder is left when nobody watches', async () => {
    await client.untilNow('all encoders to be gone', async () => (await system.workers()).length === 0, 120_000);
  }, 150_000);
});
