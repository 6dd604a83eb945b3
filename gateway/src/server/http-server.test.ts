import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readlink, truncate } from 'node:fs/promises';
import { request } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ctx, systemClock } from '@reelay/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { HttpServer } from './http-server.ts';

const OPENSSL = 'openssl';
let gateway: TestGateway;
let server: HttpServer;
const base = (): string => `http://127.0.0.1:${server.port}`;
const bearer = (): { authorization: string } => ({ authorization: `Bearer ${gateway.users.SUPER_ADMIN.token}` });
beforeAll(async () => {
  gateway = await startTestGateway({ PORT: '0', HOST: '127.0.0.1', REELAY_STALL_TIMEOUT_SECONDS: '1' });
  const { settings, logger } = gateway.deps;
  server = new HttpServer({ app: gateway.app, settings, clock: systemClock, logger });
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
  const { settings, logger } = gateway.deps;
  const second = new HttpServer({ app: gateway.app, settings: { ...settings, PORT: server.port }, clock: systemClock, logger });
  await expect(second.start(Ctx.root('test'))).rejects.toMatchObject({ code: 'port_unavailable', message: `port ${server.port} on 127.0.0.1 is used by another program; set PORT to a free one` });
  await second.stop();
});

test.skipIf(spawnSync(OPENSSL, ['version']).status !== 0)('with certificate and key it speaks HTTPS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelay-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  spawnSync(OPENSSL, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=localhost']);
  const { settings, logger } = gateway.deps;
  const secure = new HttpServer({ app: gateway.app, settings: { ...settings, REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key }, clock: systemClock, logger });
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
  gateway.drain();
  const stopped = server.stop();
  upload.end('56789');
  const [response] = (await once(upload, 'response')) as [{ statusCode: number; resume: () => void }];
  expect(response.statusCode).toBe(201);
  response.resume();
  expect(await events.text()).toContain('event: hello');
  await stopped;
  await expect(fetch(`${base()}/healthz`)).rejects.toThrow();
});
