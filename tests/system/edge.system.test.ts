/** deploy/edge with a real nginx: what it keeps, what it never keeps, and that nothing is held up on its way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Playback, User, Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Edge, startEdge } from '../kit/edge.ts';
import { GatewayProcess } from '../kit/gateway-process.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client, readEvents } from './client.ts';
import { makeClip } from './clips.ts';

let system: System;
let gateways: [GatewayProcess, GatewayProcess];
let edge: Edge;
let client: Client;
let folder: string;
/** Of a public video, and of one for those who are signed in. */
let open: Playback;
let closed: Playback;
let openId: string;
let closedId: string;
let secondId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-edge-test-'));
  system = await startSystem();
  const env = { REELAY_TRUST_PROXY: '1' };
  gateways = [await GatewayProcess.beside(system, 'a', env), await GatewayProcess.beside(system, 'b', env)];
  await Promise.all(gateways.map((gateway) => gateway.start()));
  edge = await startEdge([gateways[0].address, gateways[1].address]);
  client = new Client(edge.baseUrl);
  await client.login('admin', system.adminPassword);
  const clip = await makeClip(join(folder, 'film.mkv'), { seconds: 30 });
  const [first, second, third] = [(await client.upload(clip, 'open.mkv')).body, (await client.upload(clip, 'closed.mkv')).body, (await client.upload(clip, 'another.mkv')).body];
  for (const { id } of [first, second]) await client.untilVideo(id, (video: Video) => video.valid !== null && video.thumbnailPath !== null, 120_000);
  await client.ok('PATCH', `/api/media/videos/${first.id}`, { isPublic: true });
  [openId, closedId, secondId] = [first.id, second.id, third.id];
  open = await client.ok<Playback>('GET', `/api/media/videos/${first.id}/playback`);
  closed = await client.ok<Playback>('GET', `/api/media/videos/${second.id}/playback`);
}, 240_000);
afterAll(async () => {
  await edge.stop();
  await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const bearer = (): Record<string, string> => ({ authorization: `Bearer ${client.token}` });
const get = (url: URL | string, headers: Record<string, string> = {}): Promise<Response> => fetch(new URL(url, edge.baseUrl), { headers });
/** Address of a piece of the first rendition. */
const pieceOf = async (playback: Playback, name: string): Promise<URL> => {
  const master = new URL(playback.masterUrl ?? '', edge.baseUrl);
  const rendition = (await (await get(master, bearer())).text()).split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
  return new URL(name, new URL(rendition, master));
};
/** How often the gateways gave it out. */
const askedFor = async (path: string): Promise<number> => {
  const logs = await Promise.all(gateways.map((gateway) => gateway.log()));
  return logs.join('\n').split('\n').filter((line) => line.includes('"msg":"request"') && line.includes(`"path":"${path}"`) && line.includes('"status":200')).length;
};

describe('what is kept', () => {
  it('segments of a public video: cut once, however many ask at the same time', async () => {
    const url = await pieceOf(open, '1.m4s');
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(url)));
    const bodies = await Promise.all(answers.map(async (answer) => Buffer.from(await answer.arrayBuffer())));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(bodies.every((body) => body.equals(bodies[0] ?? Buffer.alloc(0)))).toBe(true);
    const again = await get(url, { range: 'bytes=0-99' });
    expect([again.status, again.headers.get('x-cache'), (await again.arrayBuffer()).byteLength]).toEqual([206, 'HIT', 100]);
    expect((await get(url, { 'if-none-match': answers[0]?.headers.get('etag') ?? '' })).status).toBe(304);
    await expect.poll(() => askedFor(url.pathname)).toBe(1);
  });

  it('its playlists, compressed for who takes that', async () => {
    const url = await pieceOf(open, 'index.m3u8');
    const plain = await (await get(url, { 'accept-encoding': 'identity' })).text();
    const packed = await get(url, { 'accept-encoding': 'gzip' });
    expect([packed.headers.get('content-encoding'), packed.headers.get('x-cache'), packed.headers.get('content-type')]).toEqual(['gzip', 'HIT', 'application/vnd.apple.mpegurl']);
    expect(await packed.text()).toBe(plain);
  });

  it('with both gateways away', async () => {
    const url = await pieceOf(open, '2.m4s');
    // To its end: half of it would not be kept.
    expect(await seen(url)).toEqual([200, 'MISS']);
    await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')));
    const kept = await get(url);
    expect([kept.status, kept.headers.get('x-cache')]).toEqual([200, 'HIT']);
    const other = await get(url.href.replace('/2.m4s', '/3.m4s'));
    expect(other.status).toBe(502);
    await Promise.all(gateways.map((gateway) => gateway.start()));
    // An error is not kept: it is answered as soon as there is somebody to ask.
    await expect.poll(async () => (await get(url.href.replace('/2.m4s', '/3.m4s'))).status, { timeout: 10_000 }).toBe(200);
  });
});

/** Status and cache rule. */
const refused = async (url: URL | string, headers: Record<string, string> = {}): Promise<(string | number | null)[]> => {
  const answer = await get(url, headers);
  await answer.arrayBuffer();
  return [answer.status, answer.headers.get('cache-control')];
};
/** Status and where it came from. */
const seen = async (url: URL | string, headers: Record<string, string> = {}): Promise<(string | number | null)[]> => {
  const answer = await get(url, headers);
  await answer.arrayBuffer();
  return [answer.status, answer.headers.get('x-cache')];
};

describe('pieces of a video for who is signed in', () => {
  it('are kept too, and given to those alone whom the gateway lets in: by bearer, by cookies, by signed address', async () => {
    const url = await pieceOf(closed, '1.m4s');
    expect(await seen(url, bearer())).toEqual([200, 'MISS']);
    expect(await seen(url, bearer())).toEqual([200, 'HIT']);
    expect(await refused(url)).toEqual([401, 'no-store']);
    expect(await refused(url, { authorization: 'Bearer nonsense' })).toEqual([401, 'no-store']);
    expect(await refused(await pieceOf(closed, 'index.m3u8'))).toEqual([401, 'no-store']);

    const session = new Client(edge.baseUrl);
    await session.login('admin', system.adminPassword);
    const cookie = `reelay_session=${session.token}`;
    expect(await seen(url, { cookie })).toEqual([200, 'HIT']);
    const playback = await get(`/api/media/videos/${closedId}/playback`, { cookie });
    const view = (playback.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const { signedMasterUrl } = (await playback.json()) as Playback;
    expect(await seen(url, { cookie: view })).toEqual([200, 'HIT']);

    const prefix = (signedMasterUrl ?? '').replace(/\/stream\/.*$/, '');
    expect(await seen(prefix + url.pathname)).toEqual([200, 'HIT']);
    expect(await seen(prefix + url.pathname.replace('/stream/', '/'))).toEqual([200, 'HIT']);
    const list = await get(signedMasterUrl ?? '');
    const rendition = (await list.text()).split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
    expect(await seen(new URL('2.m4s', new URL(rendition, list.url)))).toEqual([200, 'MISS']);
    expect(await seen(url.href.replace('/1.m4s', '/2.m4s'), bearer())).toEqual([200, 'HIT']);
    // The whole was asked for once, whoever came by what.
    await expect.poll(() => askedFor(url.pathname)).toBe(1);
    const otherVideo = prefix + (await pieceOf(open, '1.m4s')).pathname.replace(openId, secondId);
    expect((await refused(otherVideo))[0]).toBe(401);
    expect(await refused(`${prefix.slice(0, -4)}AAAA${url.pathname}`)).toEqual([401, 'no-store']);

    await session.ok('POST', '/api/auth/logout');
    // Each of the two was let in by an answer of its own, which the edge believes for 10 s.
    const both = [{ cookie }, { cookie: view }];
    const answers = (): Promise<(string | number | null)[][]> => Promise.all(both.map((headers) => refused(url, headers)));
    await expect.poll(answers, { timeout: 20_000, interval: 500 }).toEqual(both.map(() => [401, 'no-store']));
    // Nothing of these is in the log, nor in the names of what is kept.
    const kept = await edge.cacheKeys();
    const log = await edge.accessLog();
    expect(log).toContain('/s/[removed]/stream/');
    for (const secret of [prefix.slice(3), view.replace(/^.*?=/, ''), session.token, client.token]) {
      expect([log.includes(secret), edge.errors().includes(secret), kept.includes(secret)]).toEqual([false, false, false]);
    }
  });

  it('and go on for who was let in when both gateways are away', async () => {
    const url = await pieceOf(closed, '1.m4s');
    expect((await seen(url, bearer()))[0]).toBe(200);
    await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')));
    expect(await seen(url, bearer())).toEqual([200, 'HIT']);
    expect((await refused(url))[0]).toBe(502);
    await Promise.all(gateways.map((gateway) => gateway.start()));
  });

  it('a public video that is made private is so for strangers within moments, also what is kept of it', async () => {
    const url = await pieceOf(open, '1.m4s');
    expect(await seen(url)).toEqual([200, 'HIT']);
    await client.ok('PATCH', `/api/media/videos/${openId}`, { isPublic: false });
    await expect.poll(() => refused(url), { timeout: 20_000, interval: 500 }).toEqual([401, 'no-store']);
    expect(await seen(url, bearer())).toEqual([200, 'HIT']);
    await client.ok('PATCH', `/api/media/videos/${openId}`, { isPublic: true });
    await expect.poll(() => seen(url), { timeout: 10_000, interval: 500 }).toEqual([200, 'HIT']);
  });
});

describe('what is never kept', () => {
  it('refusals', async () => {
    const url = await pieceOf(open, '9999.m4s');
    for (let n = 0; n < 2; n += 1) {
      const answer = await get(url);
      expect([answer.status, answer.headers.get('x-cache'), answer.headers.get('cache-control')]).toEqual([404, 'MISS', 'no-store']);
    }
  });
});

describe('what passes through', () => {
  it('a live event at once', async () => {
    const events = await get('/api/media/events', bearer());
    const seen = (async () => {
      if (events.body === null) throw new Error('no body');
      for await (const { event, data } of readEvents(events.body)) if (event === 'job' && data.includes('"edge":"1"')) return;
    })();
    await client.ok('POST', '/api/media/jobs', { type: 'scan', params: {}, labels: { edge: '1' } });
    await seen;
  });

  it('an upload as it comes: what has arrived at the edge has arrived', async () => {
    const created = await fetch(`${edge.baseUrl}/api/media/uploads`, { method: 'POST', headers: { ...bearer(), 'tus-resumable': '1.0.0', 'upload-length': '3000000', 'upload-metadata': `filename ${Buffer.from('passing.mp4').toString('base64')}` } });
    const location = created.headers.get('location') ?? '';
    const { hostname, port } = new URL(edge.baseUrl);
    const sending = request({ hostname, port, path: location, method: 'PATCH', headers: { ...bearer(), 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream', 'content-length': '3000000' } });
    sending.on('error', () => {});
    sending.write(Buffer.alloc(1_000_000));
    const offset = async (): Promise<number> => Number((await fetch(edge.baseUrl + location, { method: 'HEAD', headers: { ...bearer(), 'tus-resumable': '1.0.0' } })).headers.get('upload-offset'));
    await once(sending, 'drain').catch(() => undefined);
    await expect.poll(offset, { timeout: 10_000 }).toBeGreaterThan(500_000);
    sending.destroy();
    expect((await fetch(edge.baseUrl + location, { method: 'DELETE', headers: { ...bearer(), 'tus-resumable': '1.0.0' } })).status).toBe(204);
  });

  it('a body of 8 MB; but no metrics, for each gateway has its own', async () => {
    const uploaded = await fetch(`${edge.baseUrl}/api/media/videos/upload?filename=large.mp4`, { method: 'POST', headers: bearer(), body: Buffer.alloc(8_000_000, 'x') });
    expect(uploaded.status).toBe(201);
    expect((await get('/metrics')).status).toBe(404);
    expect((await client.ok<User>('GET', '/api/auth/me')).username).toBe('admin');
    expect((await get('/readyz')).status).toBe(200);
  });
});
