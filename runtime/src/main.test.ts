import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { eventually } from './test-support/eventually.ts';
import { bundleProgram, isGone } from './test-support/processes.ts';

vi.setConfig({ testTimeout: 30_000 });

/** A service whose behaviour is chosen by its arguments. */
const SERVICE = `
import { runMain, Shutdown } from './mod.ts';
import { Supervisor } from './supervisor/mod.ts';
void runMain({ name: 'demo', env: process.env, argv: [], stopMs: Number(process.argv[3] ?? 3000) }, async (app) => {
  const mode = process.argv[2];
  const say = (event) => app.logger.info({ event }, 'event');
  if (mode === 'fail') { app.onStop('opened', () => say('closed')); throw new Error('port 4100\\nis taken'); }
  const supervisor = new Supervisor({ logger: app.logger, env: app.env });
  app.onKill(() => supervisor.killAll());
  app.onStop('first', () => say('first stopped'));
  app.onStop('children', () => supervisor.terminateAll(new Shutdown('demo'), 200));
  const child = supervisor.spawn(app.ctx.child('c'), { name: 'c', argv0: 'sh', args: ['-c', mode === 'stubborn' ? "trap '' TERM; while :; do sleep 60; done" : 'exec sleep 60'], group: 'own', graceMs: mode === 'stubborn' ? 60000 : 200 });
  if (mode === 'stubborn') app.onStop('never', () => new Promise(() => {}), 100);
  let value = 1;
  app.onReload(() => { if (process.env.REFUSE) throw new Error('bad configuration'); return () => { value = 2; say('value ' + value); }; });
  app.ready({ childPid: child.pid });
  if (mode === 'crash') setTimeout(() => { throw new Error('boom'); }, 10);
  if (mode === 'flood') {
    for (let i = 0; i < 2000; i += 1) app.logger.info({ pad: 'x'.repeat(1000) }, 'flood');
    setTimeout(() => process.send('flooded'), 50);
  }
  if (mode === 'reject') void Promise.reject(new Error('boom'));
});
`;

interface Line {
  msg: string;
  event?: string;
  childPid?: number;
}

class Running {
  readonly process: ChildProcess;
  readonly messages: unknown[] = [];
  readonly exit: Promise<number | string | null>;
  stderr = '';
  #out = '';

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.process = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ...env } });
    this.process.stdout?.on('data', (chunk: Buffer) => (this.#out += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.process.on('message', (message) => this.messages.push(message));
    this.exit = new Promise((resolve) => {
      this.process.once('close', (code, signal) => resolve(code ?? signal));
    });
    running.push(this);
  }

  get lines(): Line[] {
    return this.#out.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line);
  }

  async line(msg: string): Promise<Line> {
    return eventually(() => {
      const found = this.lines.find((line) => line.msg === msg);
      if (!found) throw new Error(`no line "${msg}" yet`);
      return found;
    });
  }
}

let dir: string;
let program: string;
const running: Running[] = [];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'reelay-main-'));
  program = join(dir, 'service.cjs');
  await bundleProgram(SERVICE, program);
});
afterEach(() => {
  for (const service of running.splice(0)) service.process.kill('SIGKILL');
});
afterAll(() => rmSync(dir, { recursive: true }));

test('ready is a log line and a message; SIGTERM stops in reverse order with exit 0', async () => {
  const service = new Running(['normal']);
  const { childPid = 0 } = await service.line('ready');
  await eventually(() => expect(service.messages).toEqual([{ ready: true, childPid }]));
  service.process.kill('SIGTERM');
  expect(await service.exit).toBe(0);
  expect(service.lines.map((line) => line.event ?? line.msg)).toEqual(['ready', 'stopping', 'child terminated', 'first stopped', 'stopped']);
  expect(service.lines.at(-1)).toMatchObject({ reason: 'shutting down: SIGTERM', exitCode: 0 });
  expect(isGone(childPid)).toBe(true);
  expect(service.stderr).toBe('');
});

test('a service whose log reader is gone still stops in good order', async () => {
  const service = new Running(['normal']);
  const { childPid = 0 } = await service.line('ready');
  service.process.stdout?.destroy();
  service.process.stderr?.destroy();
  service.process.kill('SIGTERM');
  expect(await service.exit).toBe(0);
  expect(isGone(childPid)).toBe(true);
});

test('a reader who does not read the log neither blocks the service nor its end', async () => {
  const service = new Running(['flood']);
  service.process.stdout?.pause();
  await eventually(() => expect(service.messages).toContain('flooded'));
  service.process.kill('SIGTERM');
  const ended = await new Promise((resolve) => {
    service.process.once('exit', (code, signal) => resolve(code ?? signal));
  });
  expect([0, 'SIGKILL']).toContain(ended);
});

test('a repeat of the signal within a second is the same signal', async () => {
  const service = new Running(['normal']);
  await service.line('ready');
  service.process.kill('SIGINT');
  service.process.kill('SIGTERM');
  service.process.kill('SIGINT');
  expect(await service.exit).toBe(0);
});

test('a later second signal ends at once and kills the children', async () => {
  const service = new Running(['stubborn', '60000']);
  const { childPid = 0 } = await service.line('ready');
  const again = setInterval(() => service.process.kill('SIGINT'), 100);
  expect(await service.exit).toBe(1);
  clearInterval(again);
  await eventually(() => expect(isGone(childPid)).toBe(true));
});

test('a stop that takes too long ends hard', async () => {
  const service = new Running(['stubborn', '150']);
  const { childPid = 0 } = await service.line('ready');
  service.process.kill('SIGTERM');
  expect(await service.exit).toBe(1);
  expect(service.lines.some((line) => line.msg === 'ending at once' || line.msg === 'stop step failed')).toBe(true);
  await eventually(() => expect(isGone(childPid)).toBe(true));
});

test('a start error that nobody foresaw is one line on stderr and exit 70, after releasing', async () => {
  const service = new Running(['fail']);
  expect(await service.exit).toBe(70);
  expect(service.stderr).toBe('demo: cannot start: port 4100 is taken\n');
  expect(service.lines.some((line) => line.event === 'closed')).toBe(true);
});

test.each(['crash', 'reject'])('an uncaught error (%s) stops in good order with exit 70', async (mode) => {
  const service = new Running([mode]);
  expect(await service.exit).toBe(70);
  expect(service.lines.map((line) => line.event ?? line.msg)).toContain('first stopped');
});

test('SIGHUP reloads, or keeps the old configuration', async () => {
  const service = new Running(['normal'], { REELAY_LOG_LEVEL: 'debug' });
  await service.line('ready');
  service.process.kill('SIGHUP');
  await service.line('reloaded');
  expect(service.lines.some((line) => line.event === 'value 2')).toBe(true);
  const refusing = new Running(['normal'], { REFUSE: '1' });
  await refusing.line('ready');
  refusing.process.kill('SIGHUP');
  await refusing.line('reload refused, nothing changed');
  refusing.process.kill('SIGTERM');
  expect(await refusing.exit).toBe(0);
});
