/** deploy/edge/worker in front of a real gateway: what it keeps, for whom, and what passes through. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Playback, Problem, Video } from '@reelay/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EdgeWorker, startEdgeWorker } from '../kit/edge-worker.ts';
import { GatewayProcess } from '../kit/gateway-process.ts';
import { RuntimeCache } from '../kit/runtime-cache.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client, readEvents } from './client.ts';
import { makeClip } from './clips.ts';

let system: System;
let gateway: GatewayProcess;
let edge: EdgeWorker;
let client: Client;
let folder: string;
let videos: Video[];
let open: Playback;
let closed: Playback;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-worker-test-'));
  const [started, clip] = await Promise.all([startSystem(), makeClip(join(folder, 'film.mkv'), { seconds: 30 })]);
  system = started;
  gateway = await GatewayProcess.beside(system, 'a', { REELAY_TRUST_PROXY: '1' });
  await gateway.start();
  const secret = await readFile(system.environmentOf('gateway')['REELAY_SECRET_FILE'] ?? '', 'utf8');
  // The second one is never there.
  edge = await startEdgeWorker([`http://${gateway.address}`, 'http://127.0.0.1:9'], secret);
  process.stdout.write(`the edge runs in ${edge.runtime}\n`);
  client = new Client(edge.baseUrl);
  await client.login('admin', system.adminPassword);
  const uploader = new Client(system.baseUrl);
  await uploader.login('admin', system.adminPassword);
  videos = [(await uploader.upload(clip, 'open.mkv')).body, (await uploader.upload(clip, 'closed.mkv')).body];
  for (const { id } of videos) await uploader.untilVideo(id, (video: Video) => video.valid !== null, 90_000);
  await client.ok('PATCH', `/api/media/videos/${videos[0]?.id ?? ''}`, { isPublic: true });
  const [first, second] = await Promise.all(videos.map(({ id }) => client.ok<Playback>('GET', `/api/media/videos/${id}/playback`)));
  if (first === undefined || second === undefined) throw new Error('two videos');
  [open, closed] = [first, second];
}, 240_000);
afterAll(async () => {
  await edge.stop();
  await gateway.stop('SIGKILL');
  await system.stop();
  await rm(folder, { recursive: true, force: true });
});

const bearer = (): Record<string, string> => ({ authorization: `Bearer ${client.token}` });
const get = (url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> => fetch(new URL(url, edge.baseUrl), { headers: { 'accept-encoding': 'identity', ...headers }, method });
const told = async (answer: Response): Promise<[number, string | null, string | null]> => {
  await answer.arrayBuffer();
  return [answer.status, answer.headers.get('x-cache'), answer.headers.get('cache-control')];
};
const seen = async (url: string, headers: Record<string, string> = {}): Promise<[number, string | null, string | null]> => told(await get(url, headers));
const pieceOf = (playback: Playback, name: string): string => (playback.masterUrl ?? '').replace('master.m3u8', `v0/${name}`);
const FOR_EVER = 'public, max-age=31536000, immutable';
const PRIVATE = 'private, max-age=31536000, immutable';
/** How often the gateway gave it out. */
const askedFor = async (path: string): Promise<number> =>
  (await gateway.log()).split('\n').filter((line) => line.includes('"msg":"request"') && line.includes(`"path":"${path}"`) && line.includes('"status":200')).length;

it('segments of a public video: asked for once, parts and validators from the whole', async () => {
  const url = pieceOf(open, '1.m4s');
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(url)));
  const bodies = await Promise.all(answers.map(async (answer) => Buffer.from(await answer.arrayBuffer())));
  const [whole = Buffer.alloc(0)] = bodies;
  expect(bodies.every((body, n) => body.equals(whole) && answers[n]?.status === 200)).toBe(true);
  const etag = answers[0]?.headers.get('etag') ?? '';
  expect([await seen(url), etag.length, answers[0]?.headers.get('x-accel-expires')]).toEqual([[200, 'HIT', FOR_EVER], 29, null]);
  const part = await get(url, { range: 'bytes=10-19' });
  expect([part.status, part.headers.get('content-range'), Buffer.from(await part.arrayBuffer()).equals(whole.subarray(10, 20))]).toEqual([206, `bytes 10-19/${whole.length}`, true]);
  expect([(await get(url, { 'if-none-match': etag })).status, (await seen(url, { 'if-range': '"x"', range: 'bytes=0-1' }))[0], (await seen(url, { range: 'bytes=99999999-' }))[0]]).toEqual([304, 200, 416]);
  const head = await get(url, {}, 'HEAD');
  expect([head.status, head.headers.get('content-length'), (await head.arrayBuffer()).byteLength, head.headers.get('access-control-allow-origin')]).toEqual([200, String(whole.length), 0, '*']);
  expect((await get(url, { origin: 'https://player.example' }, 'OPTIONS')).status).toBe(204);
  await expect.poll(() => askedFor(url)).toBe(1);
});

it('playlists, compressed for who takes that', async () => {
  const plain = await (await get(open.masterUrl ?? '')).text();
  const packed = await fetch(new URL(open.masterUrl ?? '', edge.baseUrl), { headers: { 'accept-encoding': 'gzip' } });
  expect([packed.headers.get('content-encoding'), packed.headers.get('x-cache'), await packed.text()]).toEqual(['gzip', 'HIT', plain]);
});

it('a video for signed-in people: kept once for all of them, and for nobody else', async () => {
  const url = pieceOf(closed, '1.m4s');
  expect([await seen(url, bearer()), await seen(url, bearer())]).toEqual([[200, 'MISS', PRIVATE], [200, 'HIT', PRIVATE]]);
  expect([await seen(url), await seen(url, { authorization: 'Bearer x' })]).toEqual([[401, null, 'no-store'], [401, null, 'no-store']]);
  expect(await seen(url, { cookie: `reelay_session=${client.token}` })).toEqual([200, 'HIT', PRIVATE]);
  const prefix = (closed.signedMasterUrl ?? '').replace(/\/stream\/.*$/, '');
  expect(await seen(prefix + url)).toEqual([200, 'HIT', PRIVATE]);
  expect(await seen(prefix + url.replace('/stream/', '/'))).toEqual([200, 'HIT', PRIVATE]);
  // Lines of the log come a moment later.
  await client.untilNow('the question about the signed address to be logged', async () => (await gateway.log()).includes('/s/[removed]'));
  const before = (await gateway.log()).length;
  for (const bad of [`${prefix.slice(0, -4)}AAAA${url}`, `/s/x${url}`, (prefix + url).replace(videos[1]?.id ?? '', videos[0]?.id ?? '')]) {
    const answer = await get(bad);
    expect([answer.status, answer.headers.get('cache-control'), ((await answer.json()) as Problem).code]).toEqual([401, 'no-store', 'unauthenticated']);
  }
  // The edge knew by itself.
  expect((await gateway.log()).slice(before)).not.toContain('/s/[removed]');
});

it('a sign-out counts within moments', async () => {
  const other = new Client(edge.baseUrl);
  await other.login('admin', system.adminPassword);
  const headers = { authorization: `Bearer ${other.token}` };
  const url = pieceOf(closed, '1.m4s');
  expect(await seen(url, headers)).toEqual([200, 'HIT', PRIVATE]);
  await other.ok('POST', '/api/auth/logout');
  await expect.poll(() => seen(url, headers), { timeout: 20_000, interval: 500 }).toEqual([401, null, 'no-store']);
});

it('refusals and errors are kept by nobody', async () => {
  for (let n = 0; n < 2; n += 1) expect(await seen(pieceOf(open, '9999.m4s'))).toEqual([404, null, 'no-store']);
  expect((await get('/metrics')).status).toBe(404);
});

it('live events and uploads pass as they come', async () => {
  const events = await get('/api/media/events', bearer());
  const heard = (async () => {
    if (events.body === null) throw new Error('no body');
    for await (const { event, data } of readEvents(events.body)) if (event === 'job' && data.includes('"edge":"worker"')) return;
  })();
  await client.ok('POST', '/api/media/jobs', { type: 'scan', params: {}, labels: { edge: 'worker' } });
  await heard;
  const { hostname, port } = new URL(edge.baseUrl);
  const sending = request({ hostname, port, path: '/api/media/videos/upload?filename=large.mp4', method: 'POST', headers: { ...bearer(), 'content-type': 'application/octet-stream', 'content-length': '8000000' } });
  sending.end(Buffer.alloc(8_000_000, 'x'));
  const [answer] = (await once(sending, 'response')) as [{ statusCode: number; resume: () => void }];
  answer.resume();
  expect(answer.statusCode).toBe(201);
});

it('with a cache behind the Cache API: the same rules, and what is kept outlives the isolate', async ({ skip }) => {
  skip(edge.runtime !== 'workerd', `the edge runs in ${edge.runtime}: the Cache API is workerd's`);
  const cache = await RuntimeCache.start();
  const secret = await readFile(system.environmentOf('gateway')['REELAY_SECRET_FILE'] ?? '', 'utf8');
  const start = (): Promise<EdgeWorker> => startEdgeWorker([`http://${gateway.address}`], secret, cache.address);
  let cached = await start();
  const at = (url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> => fetch(new URL(url, cached.baseUrl), { headers: { 'accept-encoding': 'identity', ...headers }, method });
  const url = pieceOf(open, '2.m4s');
  const bodies = await Promise.all(Array.from({ length: 20 }, async () => Buffer.from(await (await at(url)).arrayBuffer())));
  const [whole = Buffer.alloc(0)] = bodies;
  expect(bodies.every((body) => body.length > 1_000 && body.equals(whole))).toBe(true);
  await expect.poll(() => askedFor(url)).toBe(1);
  expect([...cache.entries.keys()].filter((key) => key.endsWith(url))).toHaveLength(1);
  const again = await at(url);
  const etag = again.headers.get('etag') ?? '';
  // What the cache says of itself is no word of the gateway.
  expect([again.headers.get('cf-cache-status'), again.headers.get('age'), again.headers.get('x-reelay-headers'), etag.length]).toEqual([null, null, null, 29]);
  expect(await told(again)).toEqual([200, 'HIT', FOR_EVER]);
  const part = await at(url, { range: 'bytes=10-19', 'if-range': etag });
  expect([part.status, part.headers.get('content-range'), Buffer.from(await part.arrayBuffer()).equals(whole.subarray(10, 20))]).toEqual([206, `bytes 10-19/${whole.length}`, true]);
  expect([(await at(url, { 'if-none-match': etag })).status, (await told(await at(url, { 'if-range': '"x"', range: 'bytes=0-1' })))[0], (await told(await at(url, { range: 'bytes=99999999-' })))[0]]).toEqual([304, 200, 416]);
  const head = await at(url, { origin: 'https://player.example' }, 'HEAD');
  expect([head.status, head.headers.get('content-length'), head.headers.get('access-control-allow-origin')]).toEqual([200, String(whole.length), '*']);

  const hidden = pieceOf(closed, '2.m4s');
  const prefix = (closed.signedMasterUrl ?? '').replace(/\/stream\/.*$/, '');
  expect([await told(await at(hidden, bearer())), await told(await at(prefix + hidden)), (await told(await at(hidden)))[0]]).toEqual([[200, 'MISS', PRIVATE], [200, 'HIT', PRIVATE], 401]);
  expect([...cache.entries.keys()].some((key) => key.includes('/s/'))).toBe(false);

  await cached.stop();
  cached = await start();
  expect([await told(await at(url)), await told(await at(hidden, bearer())), (await told(await at(hidden)))[0]]).toEqual([[200, 'HIT', FOR_EVER], [200, 'HIT', PRIVATE], 401]);
  expect((await at(url)).headers.get('cf-cache-status')).toBeNull();
  await expect.poll(() => askedFor(url)).toBe(1);
  for (let n = 0; n < 2; n += 1) expect(await told(await at(pieceOf(open, '9999.m4s')))).toEqual([404, null, 'no-store']);

  await gateway.stop('SIGKILL');
  expect([await told(await at(url)), await told(await at(hidden, bearer())), (await told(await at(hidden)))[0]]).toEqual([[200, 'HIT', FOR_EVER], [200, 'HIT', PRIVATE], 502]);
  await gateway.start();
  await cached.stop();
  await cache.stop();
});

it('with the gateway away what is kept goes on, for who was let in', async () => {
  const url = pieceOf(closed, '1.m4s');
  expect((await seen(url, bearer()))[0]).toBe(200);
  await gateway.stop('SIGKILL');
  expect(await seen(url, bearer())).toEqual([200, 'HIT', PRIVATE]);
  expect(await seen(pieceOf(closed, '3.m4s'), bearer())).toEqual([502, null, 'no-store']);
  await gateway.start();
  await expect.poll(() => seen(pieceOf(closed, '3.m4s'), bearer()), { timeout: 10_000 }).toEqual([200, 'MISS', PRIVATE]);
});
