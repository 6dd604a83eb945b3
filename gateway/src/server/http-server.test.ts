import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readlink, truncate } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createLogger, Ctx, systemClock } from '@reelay/runtime';
import { ManualClock } from '@reelay/runtime/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import type { GatewaySettings } from '../settings.ts';
import { Drain, type DrainPhase } from './drain.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';

const OPENSSL = 'openssl';
let gateway: TestGateway;
let server: HttpServer;
const base = (): string => `http://127.0.0.1:${server.port}`;
const bearer = (): { authorization: string } => ({ authorization: `Bearer ${gateway.users.SUPER_ADMIN.token}` });
const serverWith = (over: Partial<GatewaySettings> = {}, options: Partial<HttpServerOptions> = {}): HttpServer => {
  const { settings, requests, logger } = gateway.deps;
  return new HttpServer({ app: gateway.app, settings: { ...settings, ...over }, drain: new Drain(), requests, clock: systemClock, logger, ...options });
};
beforeAll(async () => {
  gateway = await startTestGateway({ PORT: '0', HOST: '127.0.0.1', REELAY_STALL_TIMEOUT_SECONDS: '1' });
  server = serverWith({}, { drain: gateway.deps.drain });
  await server.start(Ctx.root('test'));
});
afterAll(async () => {
  await server.stop();
  await gateway.stop();
});

/** Uploads in progress. */
const parts = async (): Promise<string[]> => (await readdir(join(gateway.libraryRoot, 'inbox'))).filter((name) => name.endsWith('.part'));
/** Files of the library that this process holds open. */
const openDescriptors = async (): Promise<number> => {
  const paths = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(gateway.libraryRoot)).length;
};
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
/** A raw client that sends a request and reads nothing. */
const rawRequest = async (head: string[]): Promise<Socket> => {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.pause();
  socket.write([...head, 'Host: localhost', '', ''].join('\r\n'));
  return socket;
};
const closed = (socket: Socket): Promise<unknown> => {
  socket.resume();
  return socket.closed ? Promise.resolve() : once(socket, 'close');
};

test('a large file goes up and comes down whole', async () => {
  const content = Buffer.alloc(30_000_000, 'some film ');
  const up = await fetch(`${base()}/api/media/videos/upload?filename=big.mp4`, { method: 'POST', headers: bearer(), body: content });
  expect(up.status).toBe(201);
  const { id } = (await up.json()) as { id: string };
  const down = Buffer.from(await (await fetch(`${base()}/api/media/videos/${id}/file`, { headers: bearer() })).arrayBuffer());
  expect(sha(down)).toBe(sha(content));
  expect(await openDescriptors()).toBe(0);
});

test('a client that leaves in the middle of an upload leaves nothing behind', async () => {
  const sending = request(`${base()}/api/media/videos/upload?filename=half.mp4`, { method: 'POST', headers: { ...bearer(), 'content-length': '10000000' } });
  sending.on('error', () => {});
  sending.write(Buffer.alloc(1_000_000));
  await expect.poll(parts).toHaveLength(1);
  sending.destroy();
  await expect.poll(parts).toEqual([]);
  expect(await openDescriptors()).toBe(0);
});

test('a client that announces more than it sends is cut off, and leaves nothing behind', async () => {
  const socket = await rawRequest(['POST /api/media/videos/upload?filename=slow.mp4 HTTP/1.1', `Authorization: ${bearer().authorization}`, 'Content-Length: 1000000']);
  socket.write(Buffer.alloc(1000));
  await expect.poll(parts).toHaveLength(1);
  await closed(socket);
  await expect.poll(parts).toEqual([]);
});

test('a client that does not read its file is cut off; the file is closed', async () => {
  const path = join(gateway.libraryRoot, 'inbox/huge.mp4');
  const video = await gateway.upload('huge.mp4');
  await truncate(path, 200_000_000);
  const socket = await rawRequest([`GET /api/media/videos/${video.id}/file HTTP/1.1`, `Authorization: ${bearer().authorization}`]);
  await expect.poll(openDescriptors).toBe(1);
  await expect.poll(openDescriptors, { timeout: 10_000 }).toBe(0);
  await closed(socket);
});

test('a client that leaves in the middle of a download: the file is closed', async () => {
  const video = await gateway.upload('leave.mp4');
  await truncate(join(gateway.libraryRoot, video.path), 100_000_000);
  const abort = new AbortController();
  const response = await fetch(`${base()}/api/media/videos/${video.id}/file`, { headers: bearer(), signal: abort.signal });
  await response.body?.getReader().read();
  expect(await openDescriptors()).toBe(1);
  abort.abort();
  await expect.poll(openDescriptors).toBe(0);
});

test('a browser that goes away leaves the hub', async () => {
  const abort = new AbortController();
  const response = await fetch(`${base()}/api/media/events`, { headers: bearer(), signal: abort.signal });
  await response.body?.getReader().read();
  expect(gateway.deps.hub.size).toBe(1);
  abort.abort();
  await expect.poll(() => gateway.deps.hub.size).toBe(0);
});

test('a port in use is one clear sentence', async () => {
  const second = serverWith({ PORT: server.port });
  await expect(second.start(Ctx.root('test'))).rejects.toMatchObject({ code: 'port_unavailable', message: expect.stringMatching(new RegExp(`^port ${server.port} on 127\\.0\\.0\\.1 is used by process ${process.pid} \\(node .*\\); stop that or set PORT to another one$`)) });
  await second.stop();
});

test.skipIf(spawnSync(OPENSSL, ['version']).status !== 0)('with certificate and key it speaks HTTPS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelay-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  spawnSync(OPENSSL, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=localhost']);
  const secure = serverWith({ REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key });
  await secure.start(Ctx.root('test'));
  const [response] = (await once(httpsGet(`https://127.0.0.1:${secure.port}/healthz`, { rejectUnauthorized: false }), 'response')) as [{ statusCode: number; resume: () => void }];
  response.resume();
  expect(response.statusCode).toBe(200);
  await secure.stop();
  rmSync(folder, { recursive: true });
});

test('stopping: event streams end, a request in flight is answered, idle connections close, no hang', async () => {
  const idle = await fetch(`${base()}/healthz`);
  await idle.text();
  const events = await fetch(`${base()}/api/media/events`, { headers: bearer() });
  const upload = request(`${base()}/api/media/videos/upload?filename=late.mp4`, { method: 'POST', headers: { ...bearer(), 'content-length': '10' } });
  upload.write('01234');
  await expect.poll(parts).toHaveLength(1);
  expect(gateway.deps.requests.countByKind()).toEqual({ live: 1, upload: 1 });
  const stopped = server.stop();
  upload.end('56789');
  const [response] = (await once(upload, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(201);
  response.resume();
  expect(await events.text()).toMatch(/event: hello[^]*\n\nretry: \d+\nevent: moving\n/);
  expect(response.headers.connection).toBe('close');
  await stopped;
  await expect(fetch(`${base()}/healthz`)).rejects.toThrow();
});

describe('the way out, step by step', () => {
  let own: TestGateway;
  let clock: ManualClock;
  let leaving: HttpServer;
  let lines: { msg: string; cut?: unknown; code?: string; path?: string }[];
  const agent = new Agent({ keepAlive: true });
  beforeEach(async () => {
    lines = [];
    clock = new ManualClock();
    const logger = createLogger({ service: 'test', destination: { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) } });
    own = await startTestGateway({ PORT: '0', HOST: '127.0.0.1', REELAY_DRAIN_SECONDS: '5' }, logger);
    const { settings, drain, requests } = own.deps;
    leaving = new HttpServer({ app: own.app, settings, drain, requests, clock, logger });
    await leaving.start(Ctx.root('test'));
  });
  afterEach(() => own.stop());
  const ask = async (path: string, method = 'GET', body = ''): Promise<{ status: number; connection: string | undefined; reused: boolean }> => {
    const sending = request({ port: leaving.port, path, method, agent, headers: { authorization: `Bearer ${own.users.SUPER_ADMIN.token}`, 'content-type': 'application/json' } });
    sending.end(body);
    const [response] = (await once(sending, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode ?? 0, connection: response.headers.connection, reused: sending.reusedSocket };
  };
  /** Time passes in small steps until the phase is reached; answers how much passed, in milliseconds. */
  const advanceTo = async (phase: DrainPhase): Promise<number> => {
    const fromMs = clock.monotonicMs();
    while (own.deps.drain.phase !== phase) {
      clock.advance(50);
      await setImmediate();
    }
    return clock.monotonicMs() - fromMs;
  };

  test('readiness first, then everything is served on connections that end, then reads are sent elsewhere, then the port is closed', async () => {
    expect(await ask('/api/media/jobs')).toEqual({ status: 200, connection: 'keep-alive', reused: false });
    const stopped = leaving.stop();
    expect(await ask('/readyz')).toEqual({ status: 503, connection: 'close', reused: true });
    // A connection made since then is kept, until the last two seconds.
    expect(await ask('/api/media/jobs')).toEqual({ status: 200, connection: 'keep-alive', reused: false });
    for (let n = 0; n < 60; n += 1) {
      clock.advance(50);
      await setImmediate();
    }
    expect(await ask('/api/media/jobs')).toEqual({ status: 200, connection: 'close', reused: true });
    expect(await ask('/api/media/jobs')).toEqual({ status: 200, connection: 'close', reused: false });
    expect(await advanceTo('refusing')).toBe(2_000);
    expect(await ask('/api/media/jobs')).toMatchObject({ status: 502, connection: 'close' });
    expect(await ask('/api/media/jobs', 'POST', '{"type":"scan"}')).toMatchObject({ status: 201, connection: 'close' });
    expect(await ask('/healthz')).toMatchObject({ status: 200 });
    expect(await advanceTo('closing')).toBeLessThan(500);
    for (let n = 0; n < 30; n += 1) {
      clock.advance(50);
      await setImmediate();
    }
    await stopped;
    await expect(ask('/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(own.deps.requests.size).toBe(0);
  });

  test('a connection that was made just before the port closed still gets its answer', async () => {
    const stopped = leaving.stop();
    await advanceTo('refusing');
    const early = connect(leaving.port, '127.0.0.1');
    await once(early, 'connect');
    while (own.deps.drain.phase !== 'closing') {
      clock.advance(50);
      await setImmediate();
    }
    await expect(ask('/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    clock.advance(100);
    early.write(`PATCH /api/media/jobs/${(await own.createJob({ type: 'scan' })).id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${own.users.SUPER_ADMIN.token}\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"labels":{}  }`);
    const [answer] = (await once(early, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i);
    await stopped;
  });

  test('what is not over at the deadline is cut, and counted by kind in the log', async () => {
    const upload = request({ port: leaving.port, path: '/api/media/videos/upload?filename=never.mp4', method: 'POST', headers: { authorization: `Bearer ${own.users.SUPER_ADMIN.token}`, 'content-length': '10' } });
    upload.write('01234');
    upload.on('error', () => {});
    const ended = new Promise((resolve) => {
      upload.once('close', resolve);
    });
    await expect.poll(() => own.deps.requests.countByKind()).toEqual({ upload: 1 });
    const stopped = leaving.stop();
    await advanceTo('closing');
    for (let n = 0; n < 3; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      clock.advance(4_000);
    }
    await stopped;
    await ended;
    expect(lines.find(({ msg }) => msg.startsWith('requests cut off'))).toMatchObject({ cut: { upload: 1 } });
    expect(lines.find(({ msg, path }) => msg === 'request' && path === '/api/media/videos/upload')).toMatchObject({ code: 'shutdown' });
    expect((await readdir(join(own.libraryRoot, 'inbox'))).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

test('the log says why a request did not end by itself', async () => {
  const lines: { msg: string; code?: string; path: string }[] = [];
  const logger = createLogger({ service: 'test', destination: { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) } });
  const own = await startTestGateway({ PORT: '0', HOST: '127.0.0.1', REELAY_STALL_TIMEOUT_SECONDS: '1' }, logger);
  const { settings, drain, requests } = own.deps;
  const http = new HttpServer({ app: own.app, settings, drain, requests, clock: systemClock, logger });
  await http.start(Ctx.root('test'));
  const headers = { authorization: `Bearer ${own.users.SUPER_ADMIN.token}` };
  const codeOf = (path: string) => lines.filter((line) => line.msg === 'request' && line.path === path).map(({ code }) => code ?? null);
  const video = await own.upload('film.mp4');
  await truncate(join(own.libraryRoot, video.path), 100_000_000);
  const path = `/api/media/videos/${video.id}/file`;

  await (await fetch(`http://127.0.0.1:${http.port}${path}`, { method: 'HEAD', headers })).text();
  await expect.poll(() => codeOf(path)).toEqual([null]);
  const gone = new AbortController();
  await (await fetch(`http://127.0.0.1:${http.port}${path}`, { headers, signal: gone.signal })).body?.getReader().read();
  gone.abort();
  await expect.poll(() => codeOf(path)).toEqual([null, 'client_gone']);
  const still = connect(http.port, '127.0.0.1').on('error', () => {});
  still.pause();
  still.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${headers.authorization}\r\n\r\n`);
  await expect.poll(() => codeOf(path), { timeout: 10_000 }).toEqual([null, 'client_gone', 'client_stalled']);
  still.destroy();
  expect(requests.size).toBe(0);
  await http.stop();
  await own.stop();
});
