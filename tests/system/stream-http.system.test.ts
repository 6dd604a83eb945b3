/** Answers of streams as HTTP wants them: cut from the file and encoded, from a gateway and through deploy/edge alike. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Playback, Problem, StreamList, Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Edge, startEdge } from '../kit/edge.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';
import { makeClip } from './clips.ts';

const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-c:a', 'ac3'];
const KINDS = ['remux', 'transcode'] as const;
const WAYS = ['gateway', 'edge'] as const;

let system: System;
let edge: Edge;
let client: Client;
let folder: string;
const playbacks = new Map<string, Playback>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-http-'));
  const [started, cut, encoded] = await Promise.all([
    startSystem({ env: { REELAY_TRUST_PROXY: '1' } }),
    // Some megabytes for each segment, so that it is sent in many pieces.
    makeClip(join(folder, 'cut.mkv'), { seconds: 14, size: '1280x720', codecs: ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '10', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac'] }),
    makeClip(join(folder, 'encoded.mkv'), { seconds: 14, codecs: HEVC }),
  ]);
  system = started;
  edge = await startEdge([new URL(system.baseUrl).host, new URL(system.baseUrl).host]);
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  for (const [kind, clip] of [['remux', cut], ['transcode', encoded]] as const) {
    const { id } = (await client.upload(clip)).body;
    await client.untilVideo(id, (video: Video) => video.valid !== null, 90_000);
    await client.ok('PATCH', `/api/media/videos/${id}`, { isPublic: true });
    const playback = await client.ok<Playback>('GET', `/api/media/videos/${id}/playback`);
    expect(playback.mode).toBe(kind);
    playbacks.set(kind, playback);
  }
}, 240_000);
afterAll(async () => {
  await edge.stop();
  await system.stop();
  await rm(folder, { recursive: true, force: true });
});

const get = (url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> => fetch(url, { headers: { 'accept-encoding': 'identity', ...headers }, method });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

describe.each(KINDS.flatMap((kind) => WAYS.map((way) => [kind, way] as const)))('%s, from the %s', (kind, way) => {
  let master: string;
  let list: string;
  let piece: string;
  let whole: Buffer;
  let etag: string;
  beforeAll(async () => {
    master = new URL(playbacks.get(kind)?.masterUrl ?? '', way === 'edge' ? edge.baseUrl : system.baseUrl).href;
    const text = await (await get(master)).text();
    list = new URL(text.split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '', master).href;
    piece = new URL('1.m4s', list).href;
    const answer = await get(piece);
    etag = answer.headers.get('etag') ?? '';
    whole = await bytesOf(answer);
  });

  it('a segment: its length, a strong tag, kept for ever', async () => {
    for (let n = 0; n < 2; n += 1) {
      const answer = await get(piece);
      const { headers } = answer;
      expect([answer.status, headers.get('content-type'), headers.get('content-length'), headers.get('etag'), headers.get('cache-control'), headers.get('accept-ranges'), headers.get('x-accel-expires')])
        .toEqual([200, 'video/mp4', String(whole.length), etag, 'public, max-age=31536000, immutable', 'bytes', null]);
      expect((await bytesOf(answer)).equals(whole)).toBe(true);
    }
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    if (kind === 'remux') expect(whole.length).toBeGreaterThan(1_000_000);
  });

  it('HEAD tells the same, without a body', async () => {
    const head = await get(piece, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag'), (await bytesOf(head)).length]).toEqual([200, String(whole.length), etag, 0]);
    const missing = await get(piece.replace('/1.m4s', '/999.m4s'), {}, 'HEAD');
    expect([missing.status, missing.headers.get('cache-control')]).toEqual([404, 'no-store']);
  });

  it.each([['bytes=0-99', 0, 99], ['bytes=100-', 100, -1], ['bytes=-50', -50, -1], ['bytes=10-999999999', 10, -1]])('Range %s', async (range, from, to) => {
    const answer = await get(piece, { range });
    const start = from < 0 ? whole.length + from : from;
    const end = to < 0 ? whole.length - 1 : to;
    expect([answer.status, answer.headers.get('content-range'), answer.headers.get('content-length')]).toEqual([206, `bytes ${start}-${end}/${whole.length}`, String(end - start + 1)]);
    expect((await bytesOf(answer)).equals(whole.subarray(start, end + 1))).toBe(true);
  });

  it('a Range that cannot be, and what is no Range', async () => {
    const beyond = await get(piece, { range: `bytes=${whole.length}-` });
    await beyond.arrayBuffer();
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${whole.length}`]);
    for (const range of ['lines=0-9', 'bytes=9-1', 'bytes=x-y']) expect((await bytesOf(await get(piece, { range }))).length === whole.length || way === 'edge').toBe(true);
  });

  it('If-None-Match and If-Range', async () => {
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get(piece, { 'if-none-match': tag });
      expect([tag, answer.status, answer.headers.get('etag'), (await bytesOf(answer)).length]).toEqual([tag, 304, etag, 0]);
    }
    expect((await bytesOf(await get(piece, { 'if-none-match': '"other"' }))).equals(whole)).toBe(true);
    const same = await get(piece, { 'if-range': etag, range: 'bytes=0-9' });
    expect([same.status, (await bytesOf(same)).length]).toEqual([206, 10]);
    for (const other of ['"other"', `W/${etag}`]) {
      const answer = await get(piece, { 'if-range': other, range: 'bytes=0-9' });
      expect([other, answer.status, (await bytesOf(answer)).length]).toEqual([other, 200, whole.length]);
    }
  });

  it('playlists: short-lived, compressed for who takes that', async () => {
    for (const url of [master, list]) {
      const plain = await get(url);
      expect([plain.status, plain.headers.get('content-type'), plain.headers.get('content-encoding'), plain.headers.get('cache-control'), plain.headers.get('vary')?.toLowerCase()])
        .toEqual([200, 'application/vnd.apple.mpegurl', null, 'public, max-age=300, stale-while-revalidate=60', 'accept-encoding']);
      const text = await plain.text();
      const packed = await rawGet(url, { 'accept-encoding': 'gzip' });
      expect(packed.head).toMatch(/\r\ncontent-encoding: gzip/i);
      expect(gunzipSync(packed.body).toString()).toBe(text);
      const again = await get(url, { 'if-none-match': plain.headers.get('etag') ?? 'none' });
      expect(again.status).toBe(304);
      expect(text).not.toMatch(/\/s\/|token|https?:/);
    }
  });

  it('pages of other origins: before, with, and when it fails', async () => {
    const asked = await get(piece, { origin: 'https://player.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' }, 'OPTIONS');
    expect([asked.status, asked.headers.get('access-control-allow-origin'), asked.headers.get('access-control-allow-methods')]).toEqual([204, '*', 'GET, HEAD']);
    expect(asked.headers.get('access-control-allow-headers')).toMatch(/range/i);
    for (const url of [piece, list]) {
      const answer = await get(url, { origin: 'https://player.example' });
      await answer.arrayBuffer();
      expect([answer.headers.get('access-control-allow-origin'), answer.headers.get('cross-origin-resource-policy')]).toEqual(['*', 'cross-origin']);
      expect(answer.headers.get('access-control-expose-headers')).toMatch(/Content-Range/);
    }
    const failed = await get(piece.replace('/1.m4s', '/999.m4s'));
    expect([failed.headers.get('access-control-allow-origin'), ((await failed.json()) as Problem).code]).toEqual(['*', 'segment_not_found']);
  });

  it('what fails is kept by nobody and says why', async () => {
    const gone = master.replace(/\/[0-9a-ft]+\/master/, `/${kind === 'remux' ? '0123456789abcdef' : 't0123456789abcde'}/master`);
    for (const [url, status, code] of [[piece.replace('/1.m4s', '/999.m4s'), 404, 'segment_not_found'], [gone, 410, 'version_gone'], [list.replace(/\/[a-z]\d+\/index/, '/z9/index'), 404, 'segment_not_found']] as const) {
      for (let n = 0; n < 2; n += 1) {
        const answer = await get(url);
        expect([answer.status, answer.headers.get('cache-control'), answer.headers.get('content-type'), ((await answer.json()) as Problem).code]).toEqual([status, 'no-store', 'application/problem+json', code]);
        expect(answer.headers.get('x-cache') ?? 'MISS').toBe('MISS');
      }
    }
  });

  it('a client that leaves in the middle of it hurts nobody', async () => {
    const { hostname, port, pathname } = new URL(piece);
    for (let n = 0; n < 20; n += 1) {
      const socket = connect(Number(port), hostname);
      socket.write(`GET ${pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
      await once(socket, 'readable');
      socket.destroy();
    }
    expect((await bytesOf(await get(piece))).equals(whole)).toBe(true);
  });
});

it('a film that is encoded as it is sent comes through the edge as it comes, and ends with its reader', async () => {
  const [, , id = ''] = (playbacks.get('transcode')?.masterUrl ?? '').split('/');
  const leave = new AbortController();
  const film = await fetch(`${edge.baseUrl}/api/media/videos/${id}/live.mp4`, { signal: leave.signal });
  expect([film.status, film.headers.get('content-length'), film.headers.get('cache-control')]).toEqual([200, null, 'no-store']);
  const reader = film.body?.getReader();
  expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
  leave.abort();
  await expect.poll(async () => (await client.ok<StreamList>('GET', '/api/media/streams')).data.filter((stream) => stream.kind === 'pipe').length, { timeout: 10_000 }).toBe(0);
});

/** As it is on the wire: fetch would unpack it. */
const rawGet = async (url: string, headers: Record<string, string>): Promise<{ head: string; body: Buffer }> => {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries({ host: 'x', connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`GET ${pathname} HTTP/1.1\r\n${lines}\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  const end = all.indexOf('\r\n\r\n');
  const head = all.subarray(0, end).toString('latin1');
  const body = all.subarray(end + 4);
  return { head, body: /\r\ntransfer-encoding: chunked/i.test(head) ? unchunked(body) : body };
};
const unchunked = (body: Buffer): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.subarray(at, end).toString('latin1'), 16);
    if (!(size > 0)) break;
    parts.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(parts);
};
