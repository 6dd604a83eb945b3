/** SIGHUP on the running system: what can change does, everywhere or nowhere, and nobody who uses it notices. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, get, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { Job, JobDetail, Node } from '@reelay/contracts';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelay-reload-'));
const file = join(folder, 'reelay.json');
const OPENSSL = 'openssl';
const START = { REELAY_LIMIT_CPU: 3, REELAY_MAX_UPLOAD_BYTES: 1_000_000 };
const write = (settings: object): void => {
  writeFileSync(`${file}.new`, JSON.stringify(settings));
  renameSync(`${file}.new`, file);
};

let system: System;
let client: Client;
beforeAll(async () => {
  write(START);
  system = await startSystem({ env: { REELAY_CONFIG: file } });
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
});
afterEach(async () => {
  write(START);
  await reload(/settings reloaded/);
});
afterAll(async () => {
  await system.stop();
  rmSync(folder, { recursive: true });
});

/** SIGHUP to the launcher; resolves with the lines that it has printed until one that matches. */
const reload = async (expected: RegExp): Promise<string[]> => {
  const from = system.output().length;
  system.signal('SIGHUP');
  return vi.waitFor(() => {
    const lines = system.output().slice(from).split('\n').slice(0, -1);
    if (!lines.some((line) => expected.test(line))) throw new Error(`not said yet: ${lines.join('\n')}`);
    return lines;
  }, { timeout: 20_000 });
};
const node = async (): Promise<Node | undefined> => (await client.ok<{ data: Node[] }>('GET', '/api/media/nodes')).data[0];
const upload = async (bytes: number): Promise<number> =>
  (await fetch(`${system.baseUrl}/api/media/videos/upload?filename=x.mkv`, { method: 'POST', headers: { authorization: `Bearer ${client.token}` }, body: 'x'.repeat(bytes) })).status;
const metric = async (name: string): Promise<number> => {
  const text = await client.ok<string>('GET', '/metrics');
  return Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.slice(name.length + 1));
};
const scan = async (): Promise<JobDetail> => {
  const { id } = await client.ok<Job>('POST', '/api/media/jobs', { type: 'scan', params: { skipExisting: false } });
  return client.until('the scan', async () => {
    const job = await client.job(id);
    return job.status === 'completed' || job.status === 'failed' ? job : undefined;
  });
};

it('changes what can, names what cannot, in one line without a value', async () => {
  expect((await node())?.limits.cpu).toBe(3);
  write({ REELAY_LIMIT_CPU: 7, REELAY_LABELS: 'zone=attic', REELAY_MAX_UPLOAD_BYTES: 10, REELAY_HEARTBEAT_SECONDS: 1, REELAY_STARTUP_WAIT_SECONDS: 20, REELAY_DEMO: '1', REELAY_ADMIN_PASSWORD: 'not this one either', PORT: 1 });
  const lines = await reload(/settings reloaded/);
  const told = lines.filter((line) => /reload/.test(line));
  expect(told).toHaveLength(1);
  const [line = ''] = told;
  for (const name of ['node-agent: REELAY_LIMIT_CPU', 'node-agent: REELAY_LABELS', 'gateway: REELAY_MAX_UPLOAD_BYTES', 'scheduler: REELAY_HEARTBEAT_SECONDS']) expect(line).toContain(name);
  expect(line).toMatch(/WARN .* needsRestart=\["gateway: REELAY_STARTUP_WAIT_SECONDS","scheduler: REELAY_STARTUP_WAIT_SECONDS"\]/);
  // The environment says what these are, whatever the file says.
  expect(line).not.toMatch(/PORT|PASSWORD|DEMO|either/);
  await client.until('the node to say what is new', async () => ((await node())?.limits.cpu === 7 ? true : undefined));
  expect((await node())?.labels).toEqual({ zone: 'attic' });
  expect([await upload(11), await upload(9)]).toEqual([413, 201]);
});

it('a file that is bad for one service changes none of them', async () => {
  const before = await metric('reelay_config_reloads_total{result="refused"}');
  for (const bad of [{ REELAY_LIMIT_CPU: 'many', REELAY_MAX_UPLOAD_BYTES: 10 }, { REELAY_LEASE_SECONDS: 1, REELAY_MAX_UPLOAD_BYTES: 10 }]) {
    write(bad);
    const lines = await reload(/reload refused/);
    expect(lines.filter((line) => /refused/.test(line))).toHaveLength(1);
    expect(lines.join('\n')).toMatch(/node-agent: REELAY_LIMIT_CPU|scheduler: REELAY_LEASE_SECONDS/);
    expect(lines.join('\n')).not.toContain('many');
  }
  writeFileSync(file, '{"REELAY_LIMIT_CPU": 9');
  await reload(/reload refused/);
  expect(await upload(11)).toBe(201);
  expect((await node())?.limits.cpu).toBe(3);
  // The gateway itself had accepted the first two.
  expect(await metric('reelay_config_reloads_total{result="refused"}')).toBe(before + 2);
  expect((await fetch(`${system.baseUrl}/readyz`)).status).toBe(200);
});

it('the signing key is changed under running work, also while only one of the services knows', async () => {
  const path = join(system.folder, 'data', 'secret.key');
  const newKey = (letter: string): void => {
    writeFileSync(`${path}.new`, `${letter.repeat(64)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  newKey('b');
  expect((await reload(/settings reloaded/)).join('\n')).toMatch(/gateway: the keys in REELAY_SECRET_FILE.*scheduler: the keys|scheduler: the keys in REELAY_SECRET_FILE.*gateway: the keys/);
  expect((await scan()).status).toBe('completed');
  newKey('c');
  process.kill(system.pidOf('scheduler'), 'SIGHUP');
  await vi.waitFor(() => expect(system.output()).toMatch(/scheduler .*settings reloaded.*REELAY_SECRET_FILE/), { timeout: 20_000 });
  expect((await scan()).status).toBe('completed');
  expect(readFileSync(path, 'utf8')).not.toContain('b');
});

it('the NATS credentials are read anew when they changed, and bad ones are refused', async () => {
  const path = join(system.folder, 'data', 'nats', 'creds', 'node-local.creds');
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, good.replace(/[A-Za-z0-9_-]{40}(?=\s*\n-*END NATS USER JWT)/i, 'A'.repeat(40)));
  const lines = await reload(/reload refused/);
  expect(lines.join('\n')).toMatch(/node-agent: the NATS credentials in .* cannot be used/);
  writeFileSync(path, `${good}\n`);
  expect((await reload(/settings reloaded/)).join('\n')).toContain('node-agent: the credentials in REELAY_NATS_CREDS');
  expect((await scan()).status).toBe('completed');
});

/** One request; answers the name in the certificate that the server showed. */
const certificateOf = async (port: number, options: RequestOptions): Promise<string> => {
  const [response] = (await once(get(`https://127.0.0.1:${port}/healthz`, { rejectUnauthorized: false, ...options }), 'response')) as [IncomingMessage];
  const { socket } = response;
  const name = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : '';
  response.resume();
  await once(response, 'end');
  expect(response.statusCode).toBe(200);
  return String(name);
};

it.skipIf(spawnSync(OPENSSL, ['version']).status !== 0)('a gateway by itself: new connections get the new certificate, one that is open goes on', async () => {
  const [cert, key, own] = [join(folder, 'cert.pem'), join(folder, 'key.pem'), join(folder, 'gateway.json')];
  const make = (name: string): unknown => spawnSync(OPENSSL, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', `/CN=${name}`]);
  make('old');
  writeFileSync(own, JSON.stringify({ REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key }));
  const env = { ...system.environmentOf('gateway'), REELAY_CONFIG: own, REELAY_RUN_DIR: folder, PORT: '0' };
  const gateway = spawn(process.execPath, [resolve(import.meta.dirname, '../../dist/gateway.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  gateway.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()));
  const line = (msg: string, nth = 1): Promise<Record<string, unknown>> => vi.waitFor(() => {
    const found = output.split('\n').slice(0, -1).map((text) => JSON.parse(text) as Record<string, unknown>).filter((record) => record['msg'] === msg)[nth - 1];
    if (!found) throw new Error(`${msg} has not been said yet`);
    return found;
  }, { timeout: 20_000 });
  const port = Number((await line('ready'))['port']);
  const keeping = new Agent({ keepAlive: true, maxSockets: 1 });
  expect(await certificateOf(port, { agent: keeping })).toBe('old');
  make('new');
  gateway.kill('SIGHUP');
  expect((await line('settings reloaded'))['changed']).toEqual(['the TLS certificate']);
  expect(await certificateOf(port, { agent: new Agent() })).toBe('new');
  expect(await certificateOf(port, { agent: keeping })).toBe('old');
  writeFileSync(cert, 'no certificate');
  gateway.kill('SIGHUP');
  expect(JSON.stringify(await line('reload refused, nothing changed'))).toContain(cert);
  writeFileSync(own, JSON.stringify({ REELAY_TLS_CERT: cert, REELAY_SESSION_DAYS: 'x' }));
  gateway.kill('SIGHUP');
  expect((await line('reload refused, nothing changed', 2))['level']).toBe('error');
  expect(await certificateOf(port, { agent: new Agent() })).toBe('new');
  keeping.destroy();
  gateway.kill('SIGTERM');
  expect(await once(gateway, 'exit')).toEqual([0, null]);
});

it('a storm of 50 while requests run: none of them fails', async () => {
  const stop = new AbortController();
  const statuses = new Map<number, number>();
  const ask = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const { status } = await client.call('GET', '/api/media/jobs?limit=1');
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const askers = Array.from({ length: 8 }, ask);
  const from = system.output().length;
  for (let n = 0; n < 50; n += 1) {
    write({ ...START, REELAY_LIMIT_CPU: 3 + (n % 2), REELAY_SESSION_DAYS: 1 + n });
    system.signal('SIGHUP');
    process.kill(system.pidOf('gateway'), 'SIGHUP');
    await new Promise((resolve) => setImmediate(resolve));
  }
  write({ ...START, REELAY_LIMIT_CPU: 6 });
  await reload(/settings reloaded/);
  await client.until('the last word', async () => ((await node())?.limits.cpu === 6 ? true : undefined));
  stop.abort();
  await Promise.all(askers);
  expect([...statuses.keys()]).toEqual([200]);
  expect(system.output().slice(from)).not.toMatch(/FATAL|program ended/);
  expect((await fetch(`${system.baseUrl}/readyz`)).status).toBe(200);
});

it('while a service starts, and while all stop, it is harmless', async () => {
  await system.kill('scheduler', 'SIGKILL');
  write({ ...START, REELAY_LIMIT_CPU: 8 });
  await reload(/settings reloaded/);
  await vi.waitFor(() => expect(system.pidOf('scheduler')).toBeGreaterThan(0), { timeout: 20_000 });
  await client.until('the node to say what is new', async () => ((await node())?.limits.cpu === 8 ? true : undefined));
  const restarted = system.restart();
  for (let n = 0; n < 20; n += 1) {
    system.signal('SIGHUP');
    await new Promise((resolve) => setImmediate(resolve));
  }
  await restarted;
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  expect((await node())?.limits.cpu).toBe(8);
});
