import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { freePort } from '../free-port.ts';
import { createLogger } from '../log.ts';
import { findExecutable } from '../supervisor/command.ts';
import { eventually } from '../test-support/eventually.ts';
import { openPipes } from '../test-support/processes.ts';
import { type Bus, BusClosed, connectBus, NoResponders, RemoteError } from './mod.ts';

vi.setConfig({ testTimeout: 30_000 });

const hello = z.object({ n: z.number() });
const logger = createLogger({ service: 'test', level: 'silent' });
let port: number;
let server: ChildProcess;
const buses: Bus[] = [];

/** It lies in /usr/sbin on Debian, which is not on the PATH of an ordinary user. */
const NATS_SERVER = process.env.NATS_SERVER_PATH ?? findExecutable('nats-server', `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`) ?? 'nats-server';

function startServer(...args: string[]): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', NATS_SERVER, ...(args.length > 0 ? args : ['-a', '127.0.0.1', '-p', String(port)])], { stdio: 'ignore' });
}

function stopServer(): Promise<void> {
  return new Promise((resolve) => {
    server.once('exit', () => resolve());
    server.kill('SIGKILL');
  });
}

async function open(name = 'test'): Promise<Bus> {
  const bus = await connectBus({ url: `nats://127.0.0.1:${port}`, name, logger });
  buses.push(bus);
  return bus;
}

beforeAll(async () => {
  port = await freePort();
  server = startServer();
});
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
});
afterAll(stopServer);

test('a request is answered, and the handler knows the subject', async () => {
  const [asker, server] = [await open(), await open()];
  server.serve('hello.*', {}, hello, ({ n }, { subject }) => ({ n: n + 1, subject }));
  await server.flush();
  const reply = await asker.request('hello.node1', { n: 1 }, { timeoutMs: 2_000, schema: z.object({ n: z.number(), subject: z.string() }) });
  expect(reply).toEqual({ n: 2, subject: 'hello.node1' });
});

test('each failure of a request has its own code', async () => {
  const bus = await open();
  bus.serve('silent', {}, hello, () => new Promise(() => {}));
  bus.serve('odd', {}, hello, () => ({ n: 'x' }));
  bus.serve('refusing', {}, hello, () => ({ ok: false, code: 'draining' }));
  await bus.flush();
  const ask = (subject: string, value: unknown, schema: z.ZodType = hello) => bus.request(subject, value, { timeoutMs: 100, schema });
  await expect(ask('nobody', {})).rejects.toBeInstanceOf(NoResponders);
  await expect(ask('silent', { n: 1 })).rejects.toMatchObject({ code: 'request_timeout' });
  await expect(ask('odd', { n: 1 })).rejects.toMatchObject({ code: 'bad_message' });
  await expect(ask('odd', { n: 'x'.repeat(2_000_000) })).rejects.toMatchObject({ code: 'message_too_large' });
  expect(await ask('refusing', { n: 1 }, z.object({ ok: z.boolean(), code: z.string() }))).toEqual({ ok: false, code: 'draining' });
  await bus.close();
  await expect(ask('odd', { n: 1 })).rejects.toBeInstanceOf(BusClosed);
});

test('bad messages and failing handlers are answered with a code and counted', async () => {
  const bus = await open();
  const served = bus.serve('strict', {}, hello, () => {
    throw new NoResponders('downstream');
  });
  const ask = (value: unknown) => bus.request('strict', value, { timeoutMs: 1_000, schema: hello });
  await expect(ask({ n: 'x' })).rejects.toMatchObject({ code: 'remote_error', remoteCode: 'bad_message' });
  await expect(ask({ n: 1 })).rejects.toSatisfy((error) => error instanceof RemoteError && error.remoteCode === 'no_responders');
  expect(served.badMessages).toBe(1);
  expect(bus.stats).toMatchObject({ badMessages: 1, handlerErrors: 1 });
});

test('more requests than a server handles at once are refused as busy', async () => {
  const bus = await open();
  let finish: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const served = bus.serve('slow', { maxInFlight: 2 }, hello, async (message) => {
    await gate;
    return message;
  });
  const asked = [1, 2, 3].map((n) => bus.request('slow', { n }, { timeoutMs: 2_000, schema: hello }));
  await expect(asked[2]).rejects.toMatchObject({ remoteCode: 'busy' });
  finish?.();
  expect(await Promise.all(asked.slice(0, 2))).toEqual([{ n: 1 }, { n: 2 }]);
  expect(served.refused).toBe(1);
});

test('a queue group shares, plain subscribers all hear, bad messages do not stop them', async () => {
  const bus = await open();
  const heard: string[] = [];
  bus.subscribe('news', hello, ({ n }) => heard.push(`a${n}`));
  const second = bus.subscribe('news', hello, ({ n }) => heard.push(`b${n}`));
  bus.subscribe('news', hello, () => heard.push('queue'), { queue: 'q' });
  bus.subscribe('news', hello, () => heard.push('queue'), { queue: 'q' });
  bus.publish('news', 'rubbish');
  expect(bus.publish('news', { n: 1 })).toBe(true);
  await eventually(() => expect(heard.toSorted()).toEqual(['a1', 'b1', 'queue']));
  expect(second.badMessages).toBe(1);
  second.unsubscribe();
  bus.publish('news', { n: 2 });
  await eventually(() => expect(heard).toContain('a2'));
  expect(heard).not.toContain('b2');
});

test('the bus survives a restart of the server and says so', async () => {
  const bus = await open();
  const statuses: string[] = [];
  bus.onStatus((status) => statuses.push(status));
  bus.serve('again', {}, hello, (message) => message);
  await stopServer();
  await eventually(() => expect(bus.isConnected).toBe(false));
  expect(bus.publish('again', { n: 1 })).toBe(false);
  await expect(bus.request('again', { n: 1 }, { timeoutMs: 100, schema: hello })).rejects.toMatchObject({ code: 'bus_disconnected' });
  server = startServer();
  await eventually(() => expect(bus.isConnected).toBe(true));
  expect(await bus.request('again', { n: 1 }, { timeoutMs: 2_000, schema: hello })).toEqual({ n: 1 });
  await bus.close();
  expect(statuses).toEqual(['disconnected', 'reconnected', 'closed']);
  expect(bus.stats).toMatchObject({ dropped: 1, reconnects: 1 });
});

test('a subject that the permissions forbid is told apart, and the bus goes on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'reelay-nats-'));
  const config = join(dir, 'nats.conf');
  writeFileSync(config, `listen: "127.0.0.1:${await freePort()}"
    authorization { users: [ { user: "node 1", password: "p/w", permissions: { publish: ["mine.>", "_INBOX_n1.>"], subscribe: ["_INBOX_n1.>", "mine.>"] } } ] }`);
  const guarded = startServer('-c', config);
  try {
    const url = `nats://node%201:p%2Fw@${/listen: "([^"]+)"/.exec(readFileSync(config, 'utf8'))?.[1] ?? ''}`;
    const bus = await connectBus({ url, name: 'x', logger, inboxPrefix: '_INBOX_n1' });
    buses.push(bus);
    bus.serve('mine.echo', {}, hello, (message) => message);
    const ask = (subject: string) => bus.request(subject, { n: 1 }, { timeoutMs: 300, schema: hello });
    await expect(ask('other.echo')).rejects.toMatchObject({ code: 'bus_forbidden' });
    bus.subscribe('other.>', hello, () => {});
    expect(await ask('mine.echo')).toEqual({ n: 1 });
    expect(bus.isConnected).toBe(true);
  } finally {
    guarded.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  }
});

test('no server within the wait is one clear error', async () => {
  const url = `nats://user:S3CRET@127.0.0.1:${await freePort()}`;
  await expect(connectBus({ url, name: 'x', logger, waitMs: 300 })).rejects.toSatisfy((error) => error instanceof Error && /cannot reach NATS/.test(error.message) && !/S3CRET/.test(error.message));
});

test('closing leaves no socket, connected or not', async () => {
  const before = openPipes();
  const bus = await open();
  await Promise.all([bus.close(), bus.close()]);
  expect(() => bus.publish('x', 1)).toThrow(BusClosed);
  await eventually(() => expect(openPipes()).toBeLessThanOrEqual(before));
});
