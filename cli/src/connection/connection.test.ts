import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@reelay/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiRefusal, Unreachable } from '../errors.ts';
import { ApiClient } from './api-client.ts';
import { Credentials, gatewayKey } from './credentials.ts';
import { checkedUrl } from './gateway.ts';
import { live } from './live.ts';

let folder: string;
const servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-connection-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
  await rm(folder, { recursive: true, force: true });
});

const serve = (listener: RequestListener, port = 0): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer(listener).listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    servers.push(server);
  });

describe('credentials', () => {
  it('are kept per gateway, for the owner alone', async () => {
    const credentials = new Credentials(join(folder, 'reelay', 'credentials'));
    await credentials.keep('http://127.0.0.1:4100', { token: 'one', username: 'admin', expiresAt: '2026-01-01T00:00:00Z' });
    await credentials.keep('https://media.example', { token: 'two', username: 'ann', expiresAt: '2026-01-01T00:00:00Z' });
    expect((await stat(credentials.path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'reelay'))).mode & 0o777).toBe(0o700);
    expect((await credentials.find('http://localhost:4100'))?.token).toBe('one');
    expect(await credentials.find('http://media.example')).toBeNull();
    expect(await credentials.forget('http://localhost:4100')).toBe(true);
    expect(await credentials.forget('http://localhost:4100')).toBe(false);
    expect(await readFile(credentials.path, 'utf8')).not.toContain('"one"');
    expect((await credentials.find('https://media.example'))?.token).toBe('two');
  });
  it('that are damaged are told, not overwritten', async () => {
    const credentials = new Credentials(join(folder, 'credentials'));
    await writeFile(credentials.path, 'not json');
    await expect(credentials.keep('http://a', { token: 'x', username: 'x', expiresAt: 'x' })).rejects.toThrow('remove it and sign in again');
    expect(await readFile(credentials.path, 'utf8')).toBe('not json');
    await chmod(credentials.path, 0o644);
    expect(await credentials.isOpenToOthers()).toBe(true);
  });
  it('know this machine by its several names, and no other by it', () => {
    expect(new Set(['http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1'].map(gatewayKey)).size).toBe(1);
    expect(gatewayKey('http://localhost:1')).not.toBe(gatewayKey('https://localhost:1'));
    expect(gatewayKey('http://10.0.0.1:1')).not.toBe(gatewayKey('http://localhost:1'));
  });
});

it('a URL is http, and holds no password', () => {
  expect(checkedUrl('http://a:1/', '--url')).toBe('http://a:1');
  for (const text of ['a:1', 'ftp://a', '', 'http://user:secret@a']) expect(() => checkedUrl(text, '--url'), text).toThrow('--url');
  expect(() => checkedUrl('http://user:secret@a', '--url')).not.toThrow('secret');
});

describe('the client', () => {
  it('says in one line why nothing answers, and whether anything was sent', async () => {
    const port = await serve(() => {});
    await new Promise((closed) => servers.pop()?.close(closed));
    const error = await new ApiClient(`http://127.0.0.1:${port}`, null).get('/x').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unreachable', exitCode: 6, refused: true, message: expect.stringContaining('nothing listens there') as string });
    const hangsUp = await serve((_request, response) => void response.socket?.destroy());
    expect(await new ApiClient(`http://127.0.0.1:${hangsUp}`, null).get('/x').catch((thrown: unknown) => thrown)).toMatchObject({ code: 'unreachable', refused: false });
  });
  it('gives on what the API says, and what is no API', async () => {
    const problem = { type: 't', title: 'T', status: 422, detail: 'params.crf: too big', code: 'invalid_parameter', error: 'x', errors: [{ path: 'params.crf', message: 'too big' }, { path: 'params.x', message: 'is not a known parameter' }], requestId: 'r' };
    const port = await serve((request, response) => {
      const isApi = request.url === '/api';
      response.writeHead(isApi ? 422 : 404, { 'content-type': isApi ? 'application/problem+json' : 'text/html' }).end(isApi ? JSON.stringify(problem) : '<h1>nginx</h1>');
    });
    const api = new ApiClient(`http://127.0.0.1:${port}`, null);
    expect(await api.get('/api').catch((thrown: unknown) => thrown)).toMatchObject({ exitCode: 2, code: 'invalid_parameter', message: 'params.crf: too big; params.x: is not a known parameter' });
    expect(await api.get('/other').catch((thrown: unknown) => thrown)).toMatchObject({ exitCode: 4, message: expect.stringContaining('not as Reelay does') as string });
  });
  it('takes its token nowhere else', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const port = await serve((_request, response) => response.writeHead(302, { location: `http://127.0.0.1:${elsewhere}/` }).end());
    await expect(new ApiClient(`http://127.0.0.1:${port}`, 'secret').get('/x')).rejects.toBeInstanceOf(Unreachable);
    expect(seen).toEqual([]);
  });
});

describe('live events', () => {
  it('go on after a break where they were, each once', async () => {
    const asked: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      const last = request.headers['last-event-id'];
      asked.push(typeof last === 'string' ? last : undefined);
      if (asked.length === 2) return void response.writeHead(503).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const from = Number(last ?? 0) + 1;
      // The third event breaks off in the middle: it is not whole, so it comes again.
      response.write(`event: line\nid: ${from}\ndata: ${from}\n\n: ping\n\nevent: line\nid: ${from + 1}\ndata: ${from + 1}\n\nevent: line\nid: ${from + 2}\nda`);
      return void setTimeout(() => response.socket?.destroy(), 10);
    });
    const got: string[] = [];
    const interruptions: string[] = [];
    for await (const message of live(new ApiClient(`http://127.0.0.1:${port}`, null), '/events', { clock: systemClock, retryForMs: 10_000, onInterrupted: (why) => interruptions.push(why) })) {
      if (message.kind === 'event') got.push(message.data);
      if (got.length === 6) break;
    }
    expect(got).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(asked).toEqual([undefined, '2', '2', '4']);
    expect(interruptions.length).toBeGreaterThanOrEqual(2);
  });
  it('end when it is refused for good, or nothing answers for too long', async () => {
    const port = await serve((_request, response) => response.writeHead(403, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ type: 't', title: 'T', status: 403, detail: 'no', code: 'forbidden', error: 'no', requestId: 'r' })));
    const options = { clock: systemClock, retryForMs: 1 };
    await expect(live(new ApiClient(`http://127.0.0.1:${port}`, null), '/', options).next()).rejects.toBeInstanceOf(ApiRefusal);
    servers.at(-1)?.closeAllConnections();
    await new Promise((closed) => servers.pop()?.close(closed));
    await expect(live(new ApiClient(`http://127.0.0.1:${port}`, null), '/', options).next()).rejects.toBeInstanceOf(Unreachable);
  });
});
