/** npm start itself: refusals in one sentence, nothing left behind however it ends, restarts of what dies. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { get } from 'node:https';
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { processesOf } from '../kit/processes.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';

const START = resolve(import.meta.dirname, '../../launcher/start.mjs');

/** Runs npm start's program to its end. */
const run = (env: Record<string, string>): Promise<{ code: number | null; output: string }> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [START], { env: { ...process.env, REELAY_DEMO: '0', HOST: '127.0.0.1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    child.once('close', (code) => done({ code, output }));
  });

describe('a start', () => {
  let system: System;
  beforeEach(async () => {
    system = await startSystem();
  });
  afterEach(() => system.stop());

  it('is refused while another runs on the folder, or has the port', async () => {
    const same = await run({ PORT: '0', REELAY_DATA_DIR: join(system.folder, 'data') });
    expect(same.code).toBe(75);
    expect(same.output.trim()).toMatch(/^reelay: cannot start: Reelay already runs on \S+ \(process \d+\); stop it first, or set REELAY_DATA_DIR to another folder$/);
    const other = await mkdtemp(join(tmpdir(), 'reelay-other-'));
    const port = new URL(system.baseUrl).port;
    const taken = await run({ PORT: port, REELAY_DATA_DIR: other });
    expect(taken.code).toBe(69);
    expect(taken.output.trim()).toBe(`reelay: cannot start: port ${port} on 127.0.0.1 is used by process ${system.pidOf('gateway')} (node gateway.js); stop that or set PORT to another one`);
    expect(processesOf(other)).toEqual([]);
    await rm(other, { recursive: true, force: true });
    expect((await fetch(`${system.baseUrl}/readyz`)).status).toBe(200);
  });

  it('keeps its secrets to the owner and says nothing of them', async () => {
    const data = join(system.folder, 'data');
    const password = (await readFile(join(data, 'postgres.password'), 'utf8')).trim();
    for (const name of ['postgres.password', 'secret.key', 'nats/keys.json', 'nats/account.jwt', 'nats/creds/hub.creds', 'nats/creds/node-local.creds']) {
      expect((await stat(join(data, name))).mode & 0o077, name).toBe(0);
    }
    expect(system.output()).not.toContain(password);
    expect(system.output()).not.toContain(system.adminPassword);
    for (const { pid, command } of processesOf(system.folder)) {
      expect(command).not.toContain(password);
      if (/node-agent\.js|job-process\.js/.test(command)) expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain(password);
    }
  });

  it('leaves nothing after a SIGKILL, and the next one has everything', async () => {
    const client = new Client(system.baseUrl);
    await client.login('admin', system.adminPassword);
    await client.ok('POST', '/api/media/jobs', { type: 'scan', params: {} });
    await system.crash();
    expect(processesOf(system.folder)).toEqual([]);
    await system.restart();
    const again = new Client(system.baseUrl);
    await again.login('admin', system.adminPassword);
    expect((await again.ok<{ data: unknown[] }>('GET', '/api/media/jobs')).data.length).toBe(1);
  });

  it('starts each program again when it dies', async () => {
    for (const program of ['postgres', 'nats', 'gateway', 'scheduler', 'node-agent'] as const) {
      await system.kill(program, 'SIGKILL');
      await vi.waitFor(() => expect(system.output()).toContain(`program runs again program=${program}`), { timeout: 60_000 });
    }
    await vi.waitFor(async () => {
      const answer = await fetch(`${system.baseUrl}/readyz`);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ status: 'ok', nodes: { healthy: 1 } });
    }, { timeout: 60_000, interval: 200 });
    const client = new Client(system.baseUrl);
    await client.login('admin', system.adminPassword);
    const { id } = await client.ok<{ id: string }>('POST', '/api/media/jobs', { type: 'scan', params: {} });
    expect((await client.untilJob(id, ['completed', 'failed'])).status).toBe('completed');
    expect(system.output()).not.toContain('cannot start');
  });
});

it.skipIf(spawnSync('openssl', ['version']).status !== 0)('speaks TLS with a certificate that nobody here trusts, and works', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=media.example', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const system = await startSystem({ env: { REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key } });
  try {
    expect(system.output()).toMatch(/Reelay is ready at https:\/\/localhost:\d+/);
    const port = Number(new URL(system.baseUrl).port);
    const served = await new Promise((done, reject) => {
      get({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false }, (response) => done(response.statusCode)).once('error', reject);
    });
    expect(served).toBe(200);
    // Tools and the agent of this host have a port of their own.
    const { url } = JSON.parse(await readFile(join(system.folder, 'data', 'instance.json'), 'utf8')) as { url: string };
    const client = new Client(url);
    await client.login('admin', system.adminPassword);
    const { id } = await client.ok<{ id: string }>('POST', '/api/media/jobs', { type: 'scan', params: {} });
    expect((await client.untilJob(id, ['completed', 'failed'])).status).toBe('completed');
  } finally {
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

it('of two starts on one folder at the same instant one runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-twice-'));
  await chmod(folder, 0o755);
  const env = { ...process.env, REELAY_DEMO: '0', HOST: '127.0.0.1', PORT: '0', REELAY_DATA_DIR: folder };
  const both = [0, 1].map(() => {
    const child = spawn(process.execPath, [START], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const state = { child, output: '', code: undefined as number | null | undefined };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (state.output += chunk.toString()));
    child.once('close', (code) => void (state.code = code));
    return state;
  });
  await vi.waitFor(() => expect(both.map(({ output, code }) => String(code ?? (output.includes('Reelay is ready at') ? 'ready' : 'starting'))).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['75', 'ready']), { timeout: 90_000, interval: 50 });
  const winner = both.find(({ code }) => code === undefined);
  expect(both.find(({ code }) => code === 75)?.output).toContain(`(process ${winner?.child.pid})`);
  winner?.child.kill('SIGTERM');
  await vi.waitFor(() => expect(winner?.code).toBe(0), { timeout: 30_000 });
  await vi.waitFor(() => expect(processesOf(folder)).toEqual([]));
  expect((await readdir(folder)).filter((name) => /\.(pid|lock)$/.test(name))).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});

it('leaves no temporary files in the data folder', async () => {
  const system = await startSystem({ env: { REELAY_DEMO: '1' } });
  const client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const videos = await client.ok<{ data: { title: string; durationSeconds: number | null }[] }>('GET', '/api/media/videos');
  expect(videos.data.map((video) => video.title)).toEqual(['Reelay demo']);
  expect(await readdir(join(system.folder, 'data', 'tmp'))).toEqual([]);
  await system.stop();
});
