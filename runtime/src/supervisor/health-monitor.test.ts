import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { MemoryPressure, Shutdown } from '../causes.ts';
import { Ctx } from '../ctx.ts';
import { createLogger } from '../log.ts';
import { eventually } from '../test-support/eventually.ts';
import { orSkip } from '../test-support/or-skip.ts';
import { bundleProgram, isGone } from '../test-support/processes.ts';
import { ManualClock } from '../testing.ts';
import { killCgroup } from './cgroup/child-cgroup.ts';
import type { Exit } from './exit.ts';
import { HealthMonitor, type HealthMonitorOptions, type Watched } from './health-monitor.ts';
import type { ProcInfo } from './proc-info.ts';
import { NO_LIMITS } from './resource-limits.ts';
import { Supervisor } from './supervisor.ts';

vi.setConfig({ testTimeout: 60_000 });

const MIB = 1_048_576;

interface Line {
  msg: string;
  [field: string]: unknown;
}

function info(id: string, kind: ProcInfo['kind'], uptimeMs: number, more: Partial<ProcInfo> = {}): ProcInfo {
  return {
    id, pid: Number(id), name: 'x', kind, owner: null, file: null, state: 'running', frozen: false, uptimeMs,
    cpuMs: 0, cpuPercent: 0, rssBytes: 100 * MIB, members: [], limits: NO_LIMITS, ...more,
  };
}

/** Children as the test says, which end when it says. */
class FakeSupervisor implements Watched {
  procs: ProcInfo[] = [];
  readonly ended: { id: string; cause: Error; exit: () => void }[] = [];
  strays = 0;
  inspect(): Promise<ProcInfo[]> {
    return Promise.resolve(this.procs);
  }
  end(id: string, cause: Error): Promise<Exit> {
    this.procs = this.procs.map((proc) => (proc.id === id ? { ...proc, state: 'terminating' } : proc));
    return new Promise((resolve) => {
      this.ended.push({
        id, cause,
        exit: () => {
          this.procs = this.procs.filter((proc) => proc.id !== id);
          resolve({ kind: 'signal', signal: 'SIGTERM', cause });
        },
      });
    });
  }
  endStrays(): Promise<void> {
    this.strays += 1;
    return Promise.resolve();
  }
}

function setUp(options: Partial<HealthMonitorOptions> = {}) {
  const clock = new ManualClock();
  const supervisor = new FakeSupervisor();
  const lines: Line[] = [];
  const levels: string[] = [];
  const memory = { freeMb: 5_000, stalledUs: 0 };
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line) as Line) } });
  const monitor = new HealthMonitor({
    supervisor, clock, logger, onLevel: (level) => levels.push(level),
    readMemory: () => ({ samples: [{ source: 'host', availableBytes: memory.freeMb * MIB, totalBytes: 10_000 * MIB }], stalledUs: memory.stalledUs }),
    ...options,
  });
  const look = async (passedMs = 2_000) => {
    clock.advance(passedMs);
    await monitor.look();
  };
  return { clock, supervisor, lines, levels, memory, monitor, look };
}

const ids = (supervisor: FakeSupervisor) => supervisor.ended.map(({ id }) => id);

test('who is over its own limit is ended with the numbers, unless the kernel sees to it', async () => {
  const { supervisor, look, monitor } = setUp();
  const limits = { ...NO_LIMITS, memoryMb: 100, memoryBy: 'rlimit' } as const;
  supervisor.procs = [
    info('1', 'batch', 1, { limits, rssBytes: 101 * MIB }), info('2', 'batch', 1, { limits, rssBytes: 99 * MIB }),
    info('3', 'batch', 1, { limits: { ...limits, memoryBy: 'cgroup' }, rssBytes: 200 * MIB }), info('4', 'service', 1, { limits, rssBytes: null }),
  ];
  await look();
  await look();
  expect(ids(supervisor)).toEqual(['1']);
  expect(supervisor.ended[0]?.cause.message).toBe('used 101 MB of memory, its limit is 100 MB');
  expect(monitor.stats()).toMatchObject({ overLimit: 1, shed: 0, level: 'ok' });
});

test('under hard pressure one after the other goes, and each effect is waited for', async () => {
  const { supervisor, look, memory, levels, lines, monitor } = setUp();
  supervisor.procs = [info('11', 'interactive', 5), info('12', 'batch', 9_000), info('13', 'service', 1), info('14', 'batch', 100)];
  memory.freeMb = 1_000;
  await look();
  expect([levels, ids(supervisor)]).toEqual([['soft'], []]);
  memory.freeMb = 300;
  await look();
  await look();
  expect(ids(supervisor)).toEqual(['14']);
  expect(supervisor.ended[0]?.cause).toBeInstanceOf(MemoryPressure);
  expect(supervisor.ended[0]?.cause.message).toBe('ended to free memory: 300 MB of 10000 MB were left');
  supervisor.ended[0]?.exit();
  await look(0);
  await look(500);
  expect(ids(supervisor)).toEqual(['14']);
  await look(600);
  expect(ids(supervisor)).toEqual(['14', '12']);
  supervisor.ended[1]?.exit();
  await look(0);
  await look(1_500);
  expect(ids(supervisor)).toEqual(['14', '12', '11']);
  supervisor.ended[2]?.exit();
  await look(0);
  await look(1_500);
  expect(ids(supervisor)).toHaveLength(3);
  memory.freeMb = 6_000;
  await look();
  await look();
  expect(levels).toEqual(['soft', 'hard', 'soft', 'ok']);
  expect(lines.filter(({ msg }) => msg === 'memory pressure changed').map(({ before, level }) => `${String(before)} ${String(level)}`)).toEqual(['ok soft', 'soft hard', 'hard soft', 'soft ok']);
  expect(monitor.stats()).toMatchObject({ shed: 3, level: 'ok', memory: { availableBytes: 6_000 * MIB } });
});

test('somebody who does not go is not waited for for ever', async () => {
  const { supervisor, look, memory } = setUp();
  supervisor.procs = [info('1', 'batch', 1), info('2', 'batch', 2)];
  memory.freeMb = 100;
  await look();
  supervisor.procs = supervisor.procs.map((proc) => (proc.id === '1' ? { ...proc, state: 'killing' } : proc));
  await look(9_000);
  expect(ids(supervisor)).toEqual(['1']);
  await look(1_500);
  await look(1_500);
  expect(ids(supervisor)).toEqual(['1', '2']);
});

test('waiting for memory is measured from look to look', async () => {
  const { look, memory, monitor } = setUp();
  memory.freeMb = 1_100;
  memory.stalledUs = 9_000_000;
  await look();
  expect(monitor.stats().memory?.stalledPercent).toBeNull();
  memory.stalledUs += 1_000_000;
  await look();
  expect(monitor.stats()).toMatchObject({ level: 'hard', memory: { stalledPercent: 50 } });
  await look();
  expect(monitor.stats()).toMatchObject({ level: 'soft', memory: { stalledPercent: 0 } });
});

test('a child that others stopped is told once', async () => {
  const { supervisor, look, lines } = setUp();
  const stopped = info('7', 'batch', 1, { members: [{ pid: 7, name: 'ffmpeg', osState: 'T', cpuMs: 0, rssBytes: 0 }] });
  supervisor.procs = [stopped, { ...stopped, id: '8', pid: 8, frozen: true, members: [{ pid: 8, name: 'x', osState: 'T', cpuMs: 0, rssBytes: 0 }] }];
  await look();
  await look();
  expect(lines).toMatchObject([{ msg: 'child was stopped from outside', pid: 7 }]);
});

test('it looks by itself until it is stopped, sweeps now and then, and outlives a failed look', async () => {
  const { supervisor, clock, monitor, lines } = setUp({ intervalMs: 100 });
  const inspect = vi.spyOn(supervisor, 'inspect').mockRejectedValueOnce(new Error('no /proc'));
  const ctx = Ctx.root();
  await monitor.start(ctx);
  for (let looks = 1; looks <= 10; looks += 1) {
    clock.advance(100);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    expect(inspect).toHaveBeenCalledTimes(looks);
  }
  expect(supervisor.strays).toBe(1);
  expect(lines).toMatchObject([{ msg: 'health check failed' }]);
  ctx.cancel(new Shutdown('test'));
  await monitor.stop();
  expect(clock.pending).toBe(0);
  await monitor.start(ctx);
  expect(clock.pending).toBe(0);
});

const onLinux = test.skipIf(process.platform !== 'linux');
const HOG = "const held = []; setInterval(() => held.push(Buffer.alloc(16 * 1048576, 1)), 20)";

onLinux('a real hog is ended at its limit', async () => {
  const lines: Line[] = [];
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line) as Line) } });
  const supervisor = new Supervisor({ logger, env: process.env });
  const monitor = new HealthMonitor({ supervisor, logger, intervalMs: 100 });
  await monitor.start(Ctx.root());
  const proc = supervisor.spawn(Ctx.root(), { name: 'hog', kind: 'batch', argv0: process.execPath, args: ['-e', HOG], group: 'own', limits: { memoryMb: 300 }, owner: 'job 1/1' });
  const { cause } = await proc.exit;
  await monitor.stop();
  expect(cause).toMatchObject({ code: 'memory_pressure', fields: { limitBytes: 300 * MIB } });
  expect(lines.find(({ msg }) => msg === 'child terminated')).toMatchObject({ proc: 'hog', owner: 'job 1/1', cause: 'memory_pressure', reason: expect.stringMatching(/^used \d+ MB of memory, its limit is 300 MB$/) });
});

/** Starts a viewer, an old and a new batch child; the old one grows until the container is full. */
const CONTAINER = `
import { createLogger } from './log.ts';
import { Ctx } from './ctx.ts';
import { HealthMonitor, Supervisor } from './supervisor/mod.ts';
const logger = createLogger({ service: 'x', level: 'silent' });
const supervisor = new Supervisor({ logger, env: process.env });
const say = (value) => console.log(JSON.stringify(value));
const start = (name, kind, script) => {
  const proc = supervisor.spawn(Ctx.root(), { name, kind, argv0: process.execPath, args: ['-e', script], group: 'own' });
  void proc.exit.then((exit) => say({ ended: name, exit: exit.kind, cause: exit.cause?.code, message: exit.cause?.message }));
};
const hold = (mb) => 'const held = Buffer.alloc(' + mb + ' * 1048576, 1); setInterval(() => held.length, 1000)';
start('viewer', 'interactive', hold(20));
start('old', 'batch', hold(20));
void (async () => {
  const monitor = new HealthMonitor({ supervisor, logger, intervalMs: 100, onLevel: (level) => say({ level }) });
  await monitor.start(Ctx.root());
  setTimeout(() => start('new', 'batch', 'const held = []; setInterval(() => held.push(Buffer.alloc(1048576, 1)), 25)'), 500);
})();
`;

/** A folder in the memory hierarchy with this limit, v1 or v2; null where that is not possible. */
function limitedFolder(limitBytes: number): string | null {
  const found = [['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'], ['/sys/fs/cgroup', 'memory.max']] as const;
  for (const [mount, file] of found) {
    if (!existsSync(join(mount, 'cgroup.procs'))) continue;
    const folder = join(mount, `reelay-health-${process.pid}`);
    try {
      mkdirSync(folder);
      folders.push(folder);
      writeFileSync(join(folder, file), String(limitBytes));
      return folder;
    } catch {
      return null;
    }
  }
  return null;
}

const folders: string[] = [];
const bases: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) {
    killCgroup(folder);
    await eventually(() => rmdirSync(folder));
  }
  for (const base of bases.splice(0)) rmSync(base, { recursive: true, force: true });
});

/** Runs a program inside the folder; resolves with its lines when `until` says so, and its pid. */
async function runIn(folder: string, source: string, args: string[], until: (lines: Line[]) => boolean): Promise<{ lines: Line[]; kill: () => Promise<void>; exited: Promise<NodeJS.Signals | null> }> {
  const base = mkdtempSync(join(tmpdir(), 'reelay-health-'));
  bases.push(base);
  const program = join(base, 'program.cjs');
  await bundleProgram(source, program);
  const child = spawn('sh', ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder, process.execPath, program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
  const lines: Line[] = [];
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line) as Line);
      if (until(lines)) resolve();
    });
    void exited.then(() => resolve());
  });
  return {
    lines, exited,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

onLinux('in a real container that fills up, the newest batch work goes and everybody else stays', async (context) => {
  const folder = orSkip(limitedFolder(512 * MIB), context, 'no writable memory cgroup');
  const { lines, kill } = await runIn(folder, CONTAINER, [], (said) => said.some(({ ended }) => ended !== undefined) && said.some(({ level }) => level === 'ok'));
  await kill();
  expect(lines.flatMap(({ level }) => (level === undefined ? [] : [level]))).toEqual(['soft', 'hard', 'soft', 'ok']);
  expect(lines.filter(({ ended }) => ended !== undefined)).toMatchObject([{ ended: 'new', cause: 'memory_pressure', message: expect.stringMatching(/^ended to free memory: \d+ MB of 512 MB were left$/) }]);
});

/** Starts children, says their pids, and eats until the kernel has enough of it. */
const EATER = `
import { createLogger } from './log.ts';
import { Ctx } from './ctx.ts';
import { acquireGuardian, Supervisor } from './supervisor/mod.ts';
void (async () => {
  const dir = process.argv[2];
  const guardian = await acquireGuardian({ dir, runId: 'eater' });
  const supervisor = new Supervisor({ logger: createLogger({ service: 'x', level: 'silent' }), env: process.env, guardian });
  const procs = ['own', 'inherit', 'own'].map((group) => supervisor.spawn(Ctx.root(), { name: 'x', argv0: 'sleep', args: ['300'], group }));
  console.log(JSON.stringify({ pids: procs.map(({ pid }) => pid) }));
  const held = [];
  setInterval(() => held.push(Buffer.alloc(16 * 1048576, 1)), 5);
})();
`;

onLinux('children of a parent that the kernel kills for its memory go with it', async (context) => {
  const folder = orSkip(limitedFolder(192 * MIB), context, 'no writable memory cgroup');
  const dir = mkdtempSync(join(tmpdir(), 'reelay-eater-'));
  bases.push(dir);
  const { lines, exited } = await runIn(folder, EATER, [dir], () => false);
  expect(await exited).toBe('SIGKILL');
  const pids = lines[0]?.['pids'] as number[];
  expect(pids).toHaveLength(3);
  await eventually(() => expect(pids.filter((pid) => !isGone(pid))).toEqual([]));
});
