import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CancelledByUser, KilledByHand, Shutdown, Watchdog } from '../causes.ts';
import { Ctx } from '../ctx.ts';
import { createLogger } from '../log.ts';
import { eventually } from '../test-support/eventually.ts';
import { orSkip } from '../test-support/or-skip.ts';
import { isGone, openPipes, processState } from '../test-support/processes.ts';
import { ManualClock } from '../testing.ts';
import { openCgroupTree } from './cgroup/cgroup-tree.ts';
import { readProcStat } from './proc-stat.ts';
import { SignalTarget } from './signal-target.ts';
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
const folders: string[] = [];

beforeEach(() => {
  ctx = Ctx.root('test');
  lines = [];
  supervisors = [];
  pipesBefore = openPipes();
});

afterEach(async () => {
  for (const supervisor of supervisors) await supervisor.terminateAll(new Shutdown('end of test'), 100);
  for (const folder of folders.splice(0)) await eventually(() => rmdirSync(folder));
  await eventually(() => expect(openPipes()).toBeLessThanOrEqual(pipesBefore));
});

function supervisorWith(options: Partial<SupervisorOptions> = {}): Supervisor {
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line) as Line) } });
  const supervisor = new Supervisor({ logger, env: process.env, ...options });
  supervisors.push(supervisor);
  return supervisor;
}

const batch = (script: string): SpawnOptions => ({ name: 'script', kind: 'batch', argv0: 'sh', args: ['-c', script], group: 'own', stdout: 'pipe', graceMs: 100 });

/** The numbers that the child prints. */
function printed(stdout: NodeJS.ReadableStream): Promise<number[]> {
  return new Promise((resolve) => {
    stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim().split(/\s+/).map(Number)));
  });
}

function makeFolder(folder: string): string | null {
  try {
    mkdirSync(folder);
    folders.push(folder);
    return folder;
  } catch {
    return null;
  }
}

/** A folder in the real cgroup v2 hierarchy, as if it were delegated to us; null where there is none. */
function delegatedFolder(): string | null {
  const mount = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) => existsSync(join(path, 'cgroup.procs')) && existsSync(join(path, 'cgroup.controllers')));
  if (mount === undefined) return null;
  return makeFolder(join(mount, `reelay-test-${process.pid}-${folders.length}`));
}

onLinux('a double fork into a session of its own ends with its child', async () => {
  const supervisor = supervisorWith();
  const proc = supervisor.spawn(ctx, batch('(setsid sh -c "trap \'\' TERM; echo $$ \\$\\$; exec sleep 60" &); exec sleep 60'));
  const [child = 0, stray = 0] = await printed(proc.stdout);
  expect(child).toBe(proc.pid);
  expect(readProcStat(stray)).toMatchObject({ session: stray });
  await proc.terminate(new KilledByHand('ada'));
  await eventually(() => expect(isGone(stray)).toBe(true));
  expect(supervisor.stats().strays).toBe(1);
  expect(lines.filter(({ msg }) => msg === 'child left a process behind, killed')).toMatchObject([{ proc: 'script', pid: stray, program: 'sleep', reason: 'ended by hand by ada' }]);
});

onLinux('so does one that a tool left, at the next look or at the end', async () => {
  const supervisor = supervisorWith();
  const { exit, stdout } = supervisor.spawn(ctx, { ...batch('(setsid sh -c "echo \\$\\$; exec sleep 60" &); sleep 0.01'), kind: 'tool' });
  const [stray = 0] = await printed(stdout);
  expect(await exit).toEqual({ kind: 'code', code: 0 });
  expect(isGone(stray)).toBe(false);
  await Promise.all([supervisor.endStrays(), supervisor.endStrays()]);
  await eventually(() => expect(isGone(stray)).toBe(true));
});

onLinux('what another child started is left alone', async () => {
  const supervisor = supervisorWith();
  const other = supervisor.spawn(ctx, batch('setsid sh -c "echo \\$\\$; exec sleep 60" & exec sleep 60'));
  const [pid = 0] = await printed(other.stdout);
  await supervisor.spawn(ctx, batch('exit 0')).exit;
  await supervisor.endStrays();
  expect(isGone(pid)).toBe(false);
});

onLinux('one without mark and group is found by its cgroup', async (context) => {
  const folder = orSkip(delegatedFolder(), context, 'no writable cgroup v2');
  const { tree, reason } = openCgroupTree({ folder });
  expect(reason).toBeNull();
  const supervisor = supervisorWith({ cgroups: tree ?? undefined });
  const proc = supervisor.spawn(ctx, batch('env -i setsid sh -c "echo \\$\\$; exec sleep 60" & exec sleep 60'));
  const [stray = 0] = await printed(proc.stdout);
  expect(readFileSync(`/proc/${stray}/environ`, 'utf8')).not.toContain('REELAY');
  await proc.terminate(new CancelledByUser());
  await eventually(() => expect(isGone(stray)).toBe(true));
  await eventually(() => expect(readdirSync(folder).filter((name) => name.startsWith('child-'))).toEqual([]));
});

onLinux('a pipe that only a stranger still holds is closed', async () => {
  const proc = supervisorWith().spawn(ctx, { ...batch('env -i setsid sh -c "echo \\$\\$; exec sleep 60" & exec sleep 60') });
  const [stranger = 0] = await printed(proc.stdout);
  const closed = new Promise((resolve) => {
    proc.stdout.once('close', resolve);
  });
  process.kill(proc.pid, 'SIGKILL');
  expect(await proc.exit).toEqual({ kind: 'signal', signal: 'SIGKILL' });
  await closed;
  process.kill(stranger, 'SIGKILL');
});

onLinux('output that nobody reads keeps nothing open', async () => {
  const supervisor = supervisorWith();
  const procs = Array.from({ length: 5 }, () => supervisor.spawn(ctx, { ...batch('exec cat /dev/zero'), graceMs: 20_000 }));
  await eventually(() => expect(procs.map(({ pid }) => processState(pid))).toEqual(procs.map(() => 'S')));
  for (const proc of procs) expect(await proc.terminate(new CancelledByUser())).toMatchObject({ kind: 'signal', signal: 'SIGTERM' });
  const short = supervisor.spawn(ctx, batch('echo one; echo two'));
  expect(await short.exit).toEqual({ kind: 'code', code: 0 });
});

/** In a frozen cgroup (v1) SIGKILL has no effect until it is thawed: the nearest thing to a dead network disk. */
onLinux('one that survives SIGKILL is told, counted and not waited for', async (context) => {
  const freezer = orSkip(makeFolder(`/sys/fs/cgroup/freezer/reelay-test-${process.pid}`), context, 'no writable cgroup v1 freezer');
  const clock = new ManualClock();
  const supervisor = supervisorWith({ clock });
  const proc = supervisor.spawn(ctx, { ...batch('exec sleep 60'), stallMs: 30_000, owner: 'job 1/1' });
  writeFileSync(join(freezer, 'cgroup.procs'), String(proc.pid));
  writeFileSync(join(freezer, 'freezer.state'), 'FROZEN');
  await eventually(() => expect(readFileSync(join(freezer, 'freezer.state'), 'utf8')).toBe('FROZEN\n'));
  clock.advance(31_000);
  expect(proc.cause).toBeInstanceOf(Watchdog);
  clock.advance(100);
  expect(proc.state).toBe('killing');
  clock.advance(5_000);
  expect(supervisor.stats()).toMatchObject({ alive: 1, unkillable: 1, stuck: 1 });
  expect(lines).toMatchObject([{ level: 'error', msg: 'child survives SIGKILL', proc: 'script', owner: 'job 1/1', cause: 'stalled', reason: 'watchdog: no progress for 30 s' }]);
  const ending = supervisor.terminateAll(new Shutdown('test'), 100);
  clock.advance(2_100);
  await ending;
  writeFileSync(join(freezer, 'freezer.state'), 'THAWED');
  expect(await proc.exit).toMatchObject({ kind: 'stalled' });
  expect(supervisor.stats()).toMatchObject({ alive: 0, unkillable: 1, stuck: 0 });
  expect(lines.filter(({ msg }) => msg === 'child terminated')).toMatchObject([{ cause: 'stalled', forced: true }]);
});

onLinux('a signal spares the process that has the number now', async () => {
  const bystander = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  const { pid = 0 } = bystander;
  const logger = createLogger({ service: 'test', level: 'warn', destination: { write: (line) => void lines.push(JSON.parse(line) as Line) } });
  const startTicks = readProcStat(pid)?.startTicks ?? '';
  for (const group of [true, false]) expect(new SignalTarget({ pid, group, startTicks: String(Number(startTicks) - 1) }, logger).send('SIGKILL')).toBe(false);
  expect(isGone(pid)).toBe(false);
  expect(lines).toHaveLength(2);
  expect(new SignalTarget({ pid, group: true, startTicks }, logger).send('SIGKILL')).toBe(true);
  await eventually(() => expect(isGone(pid)).toBe(true));
});
