/** Encoders that work for a viewer when what they belong to ends, is drained or hangs: none outlives it, and the viewer goes on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Playback, Problem, StreamList, Video } from '@reelay/contracts';
import { openDatabase, type Sql } from '@reelay/store';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { EndWatch } from '../kit/end-watch.ts';
import { GatewayProcess } from '../kit/gateway-process.ts';
import { isGone } from '../kit/processes.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';
import { makeClip } from './clips.ts';

const MPEG2_AC3 = ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '24', '-c:a', 'ac3'];
const DRAINED = { code: 'no_encoder', detail: '1 node that can encode is being drained.' };
/** Far more than any of it takes. */
const PATIENCE_MS = 60_000;

let system: System;
let client: Client;
let sql: Sql;
let folder: string;
let video: Video;
let playback: Playback;
const watch = new EndWatch();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-encode-ends-'));
  // With one place, whoever gets it shows that nobody holds it any more.
  const [started, clip] = await Promise.all([startSystem({ env: { MAX_CONCURRENT_TRANSCODES: '1' } }), makeClip(join(folder, 'film.mkv'), { seconds: 300, size: '640x360', rate: '24', codecs: MPEG2_AC3 })]);
  system = started;
  sql = openDatabase({ url: system.environmentOf('scheduler')['DATABASE_URL'] ?? '', applicationName: 'test', maxConnections: 2 });
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const uploaded = await client.upload(clip);
  video = await client.untilVideo(uploaded.body.id, ({ valid }) => valid !== null, 90_000);
  playback = await client.ok('GET', `/api/media/videos/${video.id}/playback`);
}, 180_000);
afterEach(async () => {
  // As a player that is closed says it; what is ended by hand would be refused for a while.
  await client.ok('DELETE', `/api/media/videos/${video.id}/viewing`);
  await client.untilNow('no session to be left', async () => (await sessions()).length === 0 && (await streams()).data.length === 0, PATIENCE_MS);
});
afterAll(async () => {
  await watch.stop();
  await sql?.end({ timeout: 1 });
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

const get = (n: number, at = client): Promise<Response> =>
  fetch(new URL(`h360/${n}.m4s`, new URL(playback.masterUrl ?? '', at.baseUrl)), { headers: { authorization: `Bearer ${at.token}` } });
const streams = (at = client): Promise<StreamList> => at.ok('GET', '/api/media/streams');
const sessions = async (): Promise<string[]> => (await sql<{ id: string }[]>`select id from sessions`).map(({ id }) => id);

/** Asks as a player does, again while it is told to wait. Gives what it heard until it had the segment. */
const untilSegment = async (n: number, at = client): Promise<{ status: number; retryAfter: string | null; problem: Problem }[]> => {
  const heard: { status: number; retryAfter: string | null; problem: Problem }[] = [];
  await client.untilNow(`segment ${n}`, async () => {
    const answer = await get(n, at);
    if (answer.status === 200) return (await answer.arrayBuffer()).byteLength > 1_000;
    heard.push({ status: answer.status, retryAfter: answer.headers.get('retry-after'), problem: (await answer.json()) as Problem });
    return false;
  }, PATIENCE_MS);
  return heard;
};

/** Has an encoder begin for a viewer at segment `n`; gives the processes that encode for them now. */
const encodersFrom = async (n: number, at = client): Promise<number[]> => {
  await untilSegment(n, at);
  const pids = async (): Promise<number[]> => (await streams(at)).data.flatMap(({ heads }) => heads.flatMap(({ pid }) => pid ?? []));
  await client.untilNow('its encoder to be listed', async () => (await pids()).length > 0);
  const found = await pids();
  const workers = (await system.workers()).map(({ pid }) => pid);
  expect(workers).toEqual(expect.arrayContaining(found));
  return workers;
};

/** Begins to watch at once, for who is gone later cannot be watched. */
const endOf = async (pids: readonly number[]): Promise<void> => {
  await watch.ended(pids, PATIENCE_MS);
  expect(pids.filter((pid) => !isGone(pid))).toEqual([]);
};

it('an agent that is killed takes its encoders with it, and the viewer goes on when it is back', async () => {
  const encoders = await encodersFrom(10);
  const before = await sessions();
  expect(before).toHaveLength(1);
  const ended = endOf(encoders);
  await system.kill('node-agent', 'SIGKILL');
  await ended;
  for (const { status, retryAfter } of await untilSegment(80)) expect([status, Number(retryAfter) > 0]).toEqual([503, true]);
  await client.untilNow('the session of before to be gone', async () => !(await sessions()).some((id) => before.includes(id)));
  expect([await sessions(), (await streams()).data.map(({ sessionId }) => sessionId)]).toEqual([[expect.any(String)], await sessions()]);
});

it('a gateway that is killed and never comes back: its encoders end by themselves, and its place is another’s', async () => {
  const second = await GatewayProcess.beside(system, 'second', { REELAY_GATEWAY_NAME: 'second' });
  await second.start();
  const there = new Client(`http://${second.address}`);
  await there.login('admin', system.adminPassword);
  const encoders = await encodersFrom(10, there);
  const refused = await get(120);
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'no_encoder', detail: 'All 1 place for encoding while somebody watches are taken.' }]);
  const ended = endOf(encoders);
  await second.stop('SIGKILL');
  await ended;
  await untilSegment(120);
  // The others list what they heard of it last until it has been silent for long.
  await client.untilNow('the viewer’s to be the only stream', async () => (await streams()).data.every(({ gateway }) => gateway !== 'second'), PATIENCE_MS);
  expect((await streams()).data.map(({ sessionId }) => sessionId)).toEqual(await sessions());
}, 120_000);

it('a node that is drained plays on for who watches, until the deadline; nobody else gets a place', async () => {
  const [node] = (await client.ok<{ data: { id: string }[] }>('GET', '/api/media/nodes')).data;
  const encoders = await encodersFrom(20);
  await client.ok('POST', `/api/media/nodes/${node?.id}/drain`);
  try {
    // The same encoder, further on than it was.
    expect(await untilSegment(24)).toEqual([]);
    expect((await system.workers()).map(({ pid }) => pid)).toEqual(expect.arrayContaining(encoders));
    const another = await fetch(`${system.baseUrl}/api/media/videos/${video.id}/live.mp4`, { headers: { authorization: `Bearer ${client.token}` } });
    expect([another.status, await another.json()]).toMatchObject([503, DRAINED]);
    const ended = endOf(encoders);
    await client.ok('POST', `/api/media/nodes/${node?.id}/drain`, { deadlineSeconds: 0 });
    await ended;
    // For a while another place is looked for, and whoever waits is told to wait on; then why there is none.
    await client.untilNow('the viewer to be told why', async () => {
      const refused = await get(140);
      const problem = (await refused.json()) as Problem;
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0, ['encoding_slow', 'no_encoder'].includes(problem.code)]).toEqual([503, true, true]);
      return problem.code === DRAINED.code && problem.detail === DRAINED.detail;
    }, PATIENCE_MS);
    expect([await system.workers(), await sessions()]).toEqual([[], []]);
  } finally {
    await client.ok('POST', `/api/media/nodes/${node?.id}/resume`);
  }
  await untilSegment(140);
}, 120_000);

it('an encoder that hangs is ended by the watchdog, and the viewer is told to wait and then has the segment', async () => {
  const encoders = await encodersFrom(40);
  for (const pid of encoders) process.kill(pid, 'SIGSTOP');
  const ended = endOf(encoders);
  // What it had made before is still there.
  const heard: Awaited<ReturnType<typeof untilSegment>> = [];
  for (let n = 41; heard.length === 0; n += 1) heard.push(...await untilSegment(n));
  for (const { status, retryAfter, problem } of heard) expect([status, Number(retryAfter) > 0, problem.code]).toEqual([503, true, 'encoding_slow']);
  await ended;
  expect((await streams()).data[0]?.detail).toContain('made no progress');
}, 120_000);
