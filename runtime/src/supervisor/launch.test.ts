import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CancelledByUser, Shutdown } from '../causes.ts';
import { Ctx } from '../ctx.ts';
import { createLogger } from '../log.ts';
import { eventually } from '../test-support/eventually.ts';
import { isGone, openPipes } from '../test-support/processes.ts';
import { hasIonice } from './command.ts';
import { hasten } from './nice.ts';
import type { Proc } from './proc.ts';
import { readMark } from './proc-mark.ts';
import type { SpawnOptions } from './spawn-options.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';

vi.setConfig({ testTimeout: 30_000 });

const onLinux = test.skipIf(process.platform !== 'linux');

interface Line {
  msg: string;
  [field: string]: unknown;
}

let ctx: Ctx;
let lines: Line[];
let supervisors: Supervisor[];
let pipesBefore: number;

beforeEach(() => {
  ctx = Ctx.root('test');
  lines = [];
  supervisors = [];
  pipesBefore = openPipes();
});

afterEach(async () => {
  for (const supervisor of supervisors) await supervisor.terminateAll(new Shutdown('end of test'), 100);
  await eventually(() => expect(openPipes()).toBeLessThanOrEqual(pipesBefore));
});

function supervisorWith(options: Partial<SupervisorOptions> = {}): Supervisor {
  const logger = createLogger({ service: 'test', level: 'debug', destination: { write: (line) => void lines.push(JSON.parse(line) as Line) } });
  const supervisor = new Supervisor({ logger, env: process.env, ...options });
  supervisors.push(supervisor);
  return supervisor;
}

function sh(supervisor: Supervisor, script: string, options: Partial<SpawnOptions> = {}): Proc {
  return supervisor.spawn(ctx, { name: 'script', argv0: 'sh', args: ['-c', script], group: 'own', ...options });
}

function firstOutput(proc: Proc): Promise<string> {
  return new Promise((resolve) => {
    proc.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
}

/** Keeps what it is told, and the gates shut. */
class SlowGuardian {
  readonly told: string[] = [];
  #waiting: (() => void)[] = [];
  add(pgid: number, startTicks?: string | null): void {
    this.told.push(`+g${pgid}:${startTicks}`);
  }
  remove(pgid: number): void {
    this.told.push(`-g${pgid}`);
  }
  addProcess(pid: number, startTicks?: string | null): void {
    this.told.push(`+p${pid}:${startTicks}`);
  }
  removeProcess(pid: number): void {
    this.told.push(`-p${pid}`);
  }
  whenTold(fn: () => void): void {
    this.#waiting.push(fn);
  }
  hear(): void {
    for (const fn of this.#waiting.splice(0)) fn();
  }
}

onLinux('nobody runs before the guardian knows it', async () => {
  const guardian = new SlowGuardian();
  const supervisor = supervisorWith({ guardian });
  const own = sh(supervisor, 'echo ran; exec sleep 60', { stdout: 'pipe', extraPipes: 2 });
  const shared = sh(supervisor, 'echo ran; exec sleep 60', { stdout: 'pipe', group: 'inherit' });
  let ran = 0;
  for (const proc of [own, shared]) void firstOutput(proc).then(() => (ran += 1));
  // Both have long become the shell that waits at the gate.
  await eventually(() => expect([own, shared].map(({ pid }) => readFileSync(`/proc/${pid}/comm`, 'utf8'))).toEqual(['sh\n', 'sh\n']));
  expect(guardian.told).toEqual([`+g${own.pid}:${own.startTicks}`, `+p${shared.pid}:${shared.startTicks}`]);
  expect(ran).toBe(0);
  expect(own.pipes).toHaveLength(2);
  guardian.hear();
  await eventually(() => expect(ran).toBe(2));
  await Promise.all([own.terminate(new CancelledByUser()), shared.terminate(new CancelledByUser())]);
  expect(guardian.told.slice(2)).toEqual(expect.arrayContaining([`-g${own.pid}`, `-p${shared.pid}`]));
});

onLinux('a child at its gate can be ended', async () => {
  const supervisor = supervisorWith({ guardian: new SlowGuardian() });
  const proc = sh(supervisor, 'echo never', { ipc: true });
  expect(await proc.terminate(new CancelledByUser())).toMatchObject({ cause: { code: 'cancelled' } });
});

onLinux('limits are set before the first instruction, and what was applied is told', async () => {
  const supervisor = supervisorWith();
  const limits = { nice: 7, ioPriority: 'idle', memoryMb: 100, cpuCores: 1.5 } as const;
  const proc = sh(supervisor, 'cat /proc/$$/stat; ionice -p $$; ulimit -d; sleep 60', { stdout: 'pipe', limits, kind: 'batch', owner: 'job 1/2', file: 'films/a.mkv' });
  let text = '';
  proc.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await eventually(() => expect(text.split('\n').length).toBeGreaterThanOrEqual(hasIonice() ? 4 : 3));
  const [stat = '', ...rest] = text.split('\n');
  expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]).toBe('7');
  if (hasIonice()) expect(rest[0]).toContain('idle');
  expect(rest).toContain(String((2 * 100 + 8_192) * 1_024));
  const applied = { nice: 7, ioPriority: hasIonice() ? 'idle' : null, memoryMb: 100, memoryBy: 'rlimit', cpuCores: null };
  const [info] = await supervisor.inspect();
  expect(info).toMatchObject({ id: proc.id, pid: proc.pid, kind: 'batch', owner: 'job 1/2', file: 'films/a.mkv', state: 'running', frozen: false, limits: applied });
  expect(lines.find(({ msg }) => msg === 'child started')).toMatchObject({ proc: 'script', pid: proc.pid, limits: applied });
});

onLinux('a limit that may not be set is no error', async () => {
  const proc = sh(supervisorWith(), 'exit 0', { limits: { nice: 99 } });
  expect(proc.limits.nice).toBeNull();
  expect(await proc.exit).toEqual({ kind: 'code', code: 0 });
});

onLinux('a killed child goes first, as far as its user may ask for that', async () => {
  const supervisor = supervisorWith();
  const [proc, other] = [sh(supervisor, 'exec sleep 60'), sh(supervisor, 'exec sleep 60')];
  const allowed = [-10, 0].find((nice) => {
    try {
      setPriority(other.pid, 9);
      setPriority(other.pid, nice);
      return true;
    } catch {
      return false;
    }
  });
  proc.standBack(9);
  expect([getPriority(proc.pid), proc.limits.nice]).toEqual([9, 9]);
  hasten(proc.pid);
  expect(getPriority(proc.pid)).toBe(allowed ?? 9);
  expect(await proc.terminate(new CancelledByUser(), 0)).toMatchObject({ kind: 'signal' });
  // It is gone: nobody hears of that.
  hasten(proc.pid);
});

onLinux('a child stands back with all its threads', async () => {
  const proc = sh(supervisorWith(), `exec '${process.execPath}' -e 'setInterval(() => {}, 1000)'`);
  const threads = (): number[] => readdirSync(`/proc/${proc.pid}/task`).map(Number);
  await eventually(() => expect(threads().length).toBeGreaterThan(3));
  proc.standBack(5);
  expect(threads().map((thread) => getPriority(thread))).toEqual(threads().map(() => 5));
  await proc.terminate(new CancelledByUser());
  proc.standBack(6);
});

onLinux('an inspection shows the group, its load and its memory', async () => {
  const supervisor = supervisorWith();
  expect(await supervisor.inspect()).toEqual([]);
  const proc = sh(supervisor, 'head -c 50000000 /dev/zero | tail -c 50000000 | sleep 60 & while :; do :; done');
  await eventually(async () => {
    const [info] = await supervisor.inspect();
    expect(info?.members.map(({ name }) => name).toSorted()).toEqual(expect.arrayContaining(['sh', 'sleep', 'tail']));
    expect(info?.cpuMs).toBeGreaterThan(50);
    expect(info?.cpuPercent).toBeGreaterThan(0);
    expect(info?.rssBytes).toBeGreaterThan(45_000_000);
  });
  const [info] = await supervisor.inspect();
  expect(info?.rssBytes).toBe(info?.members.reduce((sum, { rssBytes }) => sum + rssBytes, 0));
  expect(supervisor.stats()).toMatchObject({ alive: 1, byKind: { tool: 1, batch: 0 }, stuck: 0 });
  await proc.terminate(new CancelledByUser());
});

onLinux('a warm process learns its work later', async () => {
  const supervisor = supervisorWith();
  const proc = sh(supervisor, 'exec sleep 60');
  expect([proc.kind, proc.owner, proc.file]).toEqual(['tool', null, null]);
  proc.assign({ kind: 'batch', owner: 'job 9/1', file: 'a.mkv', memoryMb: 512 });
  proc.assign({ file: null });
  const [info] = await supervisor.inspect();
  expect(info).toMatchObject({ kind: 'batch', owner: 'job 9/1', file: null, limits: { memoryMb: 512, memoryBy: 'monitor' } });
});

onLinux('an id ends its process and no other', async () => {
  const supervisor = supervisorWith();
  const proc = sh(supervisor, 'exec sleep 60');
  expect(supervisor.end(`${proc.pid}-1`, new CancelledByUser())).toBeNull();
  const cause = new CancelledByUser();
  expect(await supervisor.end(proc.id, cause)).toMatchObject({ cause });
  expect(supervisor.end(proc.id, cause)).toBeNull();
  expect(isGone(proc.pid)).toBe(true);
});

onLinux('marks tell children apart, and what they start', async () => {
  const supervisor = supervisorWith();
  const [first, second] = [sh(supervisor, 'sleep 60 & echo $!; wait', { stdout: 'pipe' }), sh(supervisor, 'exec sleep 60')];
  const grandchild = Number(await firstOutput(first));
  expect(readMark(grandchild)).toBe(readMark(first.pid));
  expect(readMark(second.pid)).not.toBe(readMark(first.pid));
});
