import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { eventually } from '../test-support/eventually.ts';
import { bundleProgram, childrenOf, isGone, processState } from '../test-support/processes.ts';
import { findExecutable } from './command.ts';
import { acquireGuardian } from './guardian.ts';
import { InstanceRunningError } from './instance-lock.ts';
import { readPidFile } from './pid-file.ts';
import { RUN_MARK, sweepLeftovers } from './sweep.ts';

vi.setConfig({ testTimeout: 30_000 });

/** Starts children of every awkward kind, prints their pids, and waits. */
const PARENT = `
import { createLogger } from './log.ts';
import { Ctx } from './ctx.ts';
import { findExecutable } from './command.ts';
import { acquireGuardian, Supervisor } from './supervisor/mod.ts';
const [dir, runId, withGuardian] = process.argv.slice(2);
void (async () => {
  const logger = createLogger({ service: 'parent', level: 'silent' });
  const guardian = withGuardian === 'yes' ? await acquireGuardian({ dir, graceMs: 300, runId }) : undefined;
  const supervisor = new Supervisor({ logger, env: process.env, guardian, run: { dir, id: runId } });
  const pids = [];
  const start = (script) => new Promise((resolve) => {
    const proc = supervisor.spawn(Ctx.root(), { name: 'x', argv0: 'sh', args: ['-c', script], group: 'own', stdout: 'pipe' });
    pids.push(proc.pid);
    proc.stdout.once('data', (text) => { pids.push(...String(text).trim().split(' ').filter(Boolean).map(Number)); resolve(proc); });
  });
  await start("echo; exec sleep 300");
  await start("trap '' TERM; echo; while :; do sleep 300; done");
  const frozen = await start('echo; exec sleep 300');
  frozen.freeze();
  if (withGuardian !== 'no') await start("sleep 300 & echo $!; wait");
  console.log(JSON.stringify(pids));
  setInterval(() => {}, 1000);
})();
`;

let base: string;
let program: string;
const parents: ChildProcess[] = [];
const known: number[] = [];
const dirs: string[] = [];
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'reelay-parent-'));
  program = join(base, 'parent.cjs');
  await bundleProgram(PARENT, program);
});
afterEach(async () => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL');
  for (const dir of dirs.splice(0)) await sweepLeftovers({ dir, id: 'after the test' }, { bornBeforeTicks: null });
  for (const pid of known.splice(0)) if (!isGone(pid)) process.kill(pid, 'SIGKILL');
});
afterAll(() => rmSync(base, { recursive: true }));

/** A folder for PATH with only these programs. */
function folderWith(...names: string[]): string {
  const folder = mkdtempSync(join(base, 'bin-'));
  for (const name of names) symlinkSync(findExecutable(name, process.env.PATH ?? '') ?? '', join(folder, name));
  return folder;
}

async function startParent(dir: string, runId: string, mode: 'yes' | 'no' | 'orphans', env = process.env): Promise<{ parent: ChildProcess; pids: number[] }> {
  const parent = spawn(process.execPath, [program, dir, runId, mode], { stdio: ['ignore', 'pipe', 'inherit'], env });
  parents.push(parent);
  dirs.push(dir);
  const line = await new Promise<string>((resolve) => {
    parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
  const pids = JSON.parse(line) as number[];
  known.push(...pids);
  return { parent, pids };
}

/** Live processes with this folder in their mark. */
function markedWith(dir: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return !isGone(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${RUN_MARK}=${dir}|`);
    } catch {
      return false;
    }
  });
}

async function kill(parent: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => {
    parent.once('exit', resolve);
  });
  parent.kill('SIGKILL');
  await exited;
}

test('SIGKILL of the parent leaves no child', async () => {
  const { parent, pids } = await startParent(join(base, 'plain'), 'run-1', 'no');
  expect(pids).toHaveLength(3);
  await kill(parent);
  await eventually(() => expect(pids.filter((pid) => !isGone(pid))).toEqual([]));
});

test('with the guardian no grandchild stays either, and a successor waits for that', async () => {
  const dir = join(base, 'guarded');
  const { parent, pids } = await startParent(dir, 'run-1', 'yes');
  expect(pids).toHaveLength(5);
  await expect(acquireGuardian({ dir, graceMs: 300 })).rejects.toMatchObject({ code: 'already_running', pid: parent.pid });
  await kill(parent);
  const guardian = await acquireGuardian({ dir, graceMs: 300, runId: 'run-2' });
  expect(pids.filter((pid) => !isGone(pid))).toEqual([]);
  expect(await readPidFile(join(dir, 'reelay.pid'))).toMatchObject({ pid: process.pid, runId: 'run-2' });
  await guardian.release();
  expect(await readPidFile(join(dir, 'reelay.pid'))).toBeNull();
});

/** An agent with one job process, which runs one tool inside its own group; prints both pids. */
const AGENT = `
import { createLogger } from './log.ts';
import { Ctx } from './ctx.ts';
import { Supervisor } from './supervisor/mod.ts';
const supervisor = new Supervisor({ logger: createLogger({ service: 'x', level: 'silent' }), env: process.env });
const print = (value) => console.log(JSON.stringify(value));
if (process.argv[2] === 'job') {
  const tool = supervisor.spawn(Ctx.root(), { name: 'tool', argv0: 'sleep', args: ['300'], group: 'inherit' });
  print([process.pid, tool.pid]);
  setInterval(() => {}, 1000);
} else {
  const job = supervisor.spawn(Ctx.root(), { name: 'job', argv0: process.execPath, args: [process.argv[1], 'job'], group: 'own', onStdoutLine: (line) => console.log(line) });
  process.on('SIGUSR1', () => job.freeze());
  process.on('SIGUSR2', () => job.thaw());
  process.on('SIGTERM', () => void job.terminate(new Error('test')).then((exit) => process.exit(exit.kind === 'signal' ? 0 : 1)));
}
`;

async function startAgent(): Promise<{ parent: ChildProcess; pids: number[] }> {
  const agent = join(base, 'agent.cjs');
  await bundleProgram(AGENT, agent);
  const parent = spawn(process.execPath, [agent], { stdio: ['ignore', 'pipe', 'inherit'] });
  parents.push(parent);
  const line = await new Promise<string>((resolve) => {
    parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
  const pids = JSON.parse(line) as number[];
  known.push(...pids);
  return { parent, pids };
}

test("SIGKILL of the agent ends the job's process and its tool", async () => {
  const { parent, pids } = await startAgent();
  await kill(parent);
  await eventually(() => expect(pids.filter((pid) => !isGone(pid))).toEqual([]));
});

test("freezing a job freezes its tool, and a frozen job can be ended", async () => {
  const { parent, pids } = await startAgent();
  const states = () => pids.map((pid) => processState(pid) === 'T');
  parent.kill('SIGUSR1');
  await eventually(() => expect(states()).toEqual([true, true]));
  parent.kill('SIGUSR2');
  await eventually(() => expect(states()).toEqual([false, false]));
  parent.kill('SIGUSR1');
  await eventually(() => expect(states()).toEqual([true, true]));
  const exited = new Promise((resolve) => {
    parent.once('exit', resolve);
  });
  parent.kill('SIGTERM');
  expect(await exited).toBe(0);
  await eventually(() => expect(pids.filter((pid) => !isGone(pid))).toEqual([]));
});

test('where there is no setpriv the guardian ends the children', async () => {
  const dir = join(base, 'no-setpriv');
  const { parent, pids } = await startParent(dir, 'run-1', 'yes', { PATH: folderWith('sh', 'sleep', 'flock') });
  await kill(parent);
  await (await acquireGuardian({ dir, graceMs: 300 })).release();
  expect(pids.filter((pid) => !isGone(pid))).toEqual([]);
});

test('a sweep finds what escaped, and spares the present run', async () => {
  const dir = join(base, 'swept');
  const first = await startParent(dir, 'run-1', 'orphans');
  const grandchild = first.pids.at(-1) ?? 0;
  await kill(first.parent);
  await eventually(() => expect(first.pids.slice(0, -1).filter((pid) => !isGone(pid))).toEqual([]));
  expect(isGone(grandchild)).toBe(false);
  const second = await startParent(dir, 'run-2', 'orphans');
  // They are younger than this process, so a sweep of its own would not be sure.
  expect(await sweepLeftovers({ dir, id: 'run-2' })).toEqual({ ended: [], deadRuns: [], stuckRuns: [] });
  // The loop of the child that ignores TERM leaves its sleep behind as well.
  const { ended, deadRuns, stuckRuns } = await sweepLeftovers({ dir, id: 'run-2' }, { bornBeforeTicks: null });
  const swept = ended.map(({ pid }) => pid);
  expect(swept).toContain(grandchild);
  expect([deadRuns, stuckRuns]).toEqual([['run-1'], []]);
  expect(swept.filter((pid) => second.pids.includes(pid))).toEqual([]);
  expect(isGone(grandchild)).toBe(true);
  expect(second.pids.filter((pid) => isGone(pid))).toEqual([]);
});

test('a left-over that forks all the time is caught', async () => {
  const dir = join(base, 'forking');
  dirs.push(dir);
  const env = { ...process.env, [RUN_MARK]: `${dir}|old` };
  const forker = spawn('sh', ['-c', '(while :; do (sleep 300 &) ; sleep 0.005; done) &'], { env, stdio: 'ignore', detached: true });
  await new Promise((resolve) => {
    forker.once('exit', resolve);
  });
  await eventually(() => expect(markedWith(dir).length).toBeGreaterThan(10));
  const { ended } = await sweepLeftovers({ dir, id: 'new' }, { bornBeforeTicks: null });
  expect(ended.length).toBeGreaterThan(10);
  expect(markedWith(dir)).toEqual([]);
});

test('a killed process leaves neither pid nor lock file: its guardian removes them', async () => {
  const dir = join(base, 'tidy');
  const { parent } = await startParent(dir, 'run-1', 'yes');
  expect(readdirSync(dir).toSorted()).toEqual(['reelay.lock', 'reelay.pid']);
  await kill(parent);
  await eventually(() => expect(readdirSync(dir)).toEqual([]));
});

test('of many contenders one gets the lock', async () => {
  const dir = join(base, 'contended');
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireGuardian({ dir, graceMs: 100 })));
  const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(won).toHaveLength(1);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(InstanceRunningError);
  await won[0]?.release();
  const next = await acquireGuardian({ dir, graceMs: 100 });
  await next.release();
});

test('where there is no flock a socket holds the lock', async () => {
  const dir = join(base, 'no-flock');
  const withSh = { PATH: folderWith('sh', 'sleep') };
  const guardian = await acquireGuardian({ dir, graceMs: 100, env: withSh });
  await expect(acquireGuardian({ dir, graceMs: 100, env: withSh })).rejects.toBeInstanceOf(InstanceRunningError);
  await guardian.release();
  await (await acquireGuardian({ dir, graceMs: 100, env: withSh })).release();
  await expect(acquireGuardian({ dir: join(base, 'no-sh'), graceMs: 100, env: { PATH: '/no/such/folder' } })).rejects.toMatchObject({ code: 'guardian_failed' });
});

test('losing the guardian is noticed', async () => {
  const dir = join(base, 'lost');
  const guardian = await acquireGuardian({ dir, graceMs: 100 });
  const helper = childrenOf(process.pid).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('reelay-guardian'));
  if (helper === undefined) throw new Error('no helper process');
  process.kill(helper, 'SIGKILL');
  await guardian.lost;
  guardian.add(12_345_678);
  await guardian.release();
});
