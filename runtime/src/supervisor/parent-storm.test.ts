import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventually } from '../test-support/eventually.ts';
import { bundleProgram, isGone } from '../test-support/processes.ts';
import { findExecutable } from './command.ts';
import { RUN_MARK, sweepLeftovers } from './sweep.ts';

vi.setConfig({ testTimeout: 600_000 });

const ROUNDS = Number(process.env['REELAY_STORM_ROUNDS'] ?? 20);
const SPAWNS = 16;
/** The parent is killed within so long of its first spawn; the spawns take about as long. */
const LATEST_MS = 80;

/** Starts children of every kind as fast as it can, and waits. A job is a Node process with a tool in its own group. */
const PARENT = `
import { createLogger } from './log.ts';
import { Ctx } from './ctx.ts';
import { acquireGuardian, Supervisor } from './supervisor/mod.ts';
const [what, dir, kinds] = process.argv.slice(2);
const logger = createLogger({ service: 'parent', level: 'silent' });
const never = () => setInterval(() => {}, 1000);
void (async () => {
  if (what === 'job') {
    const supervisor = new Supervisor({ logger, env: process.env });
    for (let i = 0; i < 3; i += 1) supervisor.spawn(Ctx.root(), { name: 'tool', argv0: 'sleep', args: ['300'], group: 'inherit' });
    return never();
  }
  const guardian = what === 'guarded' ? await acquireGuardian({ dir, runId: 'storm' }) : undefined;
  const supervisor = new Supervisor({ logger, env: process.env, guardian, run: { dir, id: 'storm' } });
  const own = (...args) => supervisor.spawn(Ctx.root(), { name: 'x', argv0: 'sh', args: ['-c', ...args], group: 'own', extraPipes: 1 });
  const start = {
    plain: () => own('exec sleep 300'),
    shared: () => supervisor.spawn(Ctx.root(), { name: 'x', argv0: 'sleep', args: ['300'], group: 'inherit' }),
    deaf: () => own("trap '' TERM; exec sleep 300"),
    forking: () => own('sleep 300 & sleep 300 & wait'),
    leaving: () => own('setsid sleep 300 & exec sleep 300'),
    frozen: () => own('exec sleep 300').freeze(),
    job: () => supervisor.spawn(Ctx.root(), { name: 'job', argv0: process.execPath, args: [process.argv[1], 'job'], group: 'own' }),
  };
  process.stdout.write('go');
  for (let i = 0; i < ${SPAWNS}; i += 1) {
    const names = kinds.split(',');
    start[names[i % names.length]]();
    if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  never();
})();
`;

let base: string;
let program: string;
const dirs: string[] = [];

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'reelay-storm-'));
  program = join(base, 'parent.cjs');
  await bundleProgram(PARENT, program);
});

afterAll(async () => {
  for (const dir of dirs) await sweepLeftovers({ dir, id: 'after the test' }, { bornBeforeTicks: null });
  rmSync(base, { recursive: true });
});

/** The same numbers each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function survivors(dir: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${RUN_MARK}=${dir}|`) && !isGone(pid);
    } catch {
      return false;
    }
  });
}

/** A folder for PATH without setpriv. */
function pathWithout(): string {
  const folder = join(base, 'bin');
  mkdirSync(folder, { recursive: true });
  for (const name of ['sh', 'sleep', 'flock', 'setsid', 'grep']) symlinkSync(findExecutable(name, process.env['PATH'] ?? '') ?? '', join(folder, name));
  return folder;
}

/** One parent, killed at a random moment. Returns how long anything of it lived on. */
async function round(dir: string, mode: 'guarded' | 'alone', kinds: string, path: string, killAfterMs: number): Promise<number> {
  dirs.push(dir);
  const parent = spawn(process.execPath, [program, mode, dir, kinds], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PATH: path } });
  await new Promise((resolve) => {
    parent.stdout.once('data', resolve);
  });
  await new Promise((resolve) => {
    setTimeout(resolve, killAfterMs);
  });
  const exited = new Promise((resolve) => {
    parent.once('exit', resolve);
  });
  parent.kill('SIGKILL');
  await exited;
  const killedMs = performance.now();
  await eventually(() => expect(survivors(dir)).toEqual([]));
  return performance.now() - killedMs;
}

test.skipIf(process.platform !== 'linux').each([
  { name: 'setpriv alone', mode: 'alone', kinds: 'plain,deaf,shared,plain,job', setpriv: true },
  { name: 'setpriv and guardian', mode: 'guarded', kinds: 'plain,deaf,forking,leaving,frozen,shared,job', setpriv: true },
  { name: 'guardian alone', mode: 'guarded', kinds: 'plain,deaf,forking,leaving,frozen,shared,job', setpriv: false },
] as const)('a parent killed at any moment leaves nothing: $name', async ({ name, mode, kinds, setpriv }) => {
  const random = randomFrom(20_261_122);
  const path = setpriv ? (process.env['PATH'] ?? '') : pathWithout();
  const tookMs: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) tookMs.push(await round(join(base, `${name.replaceAll(' ', '-')}-${i}`), mode, kinds, path, random() * LATEST_MS));
  expect(tookMs).toHaveLength(ROUNDS);
  if (process.env['REELAY_STORM_ROUNDS']) {
    const sorted = tookMs.map(Math.round).toSorted((a, b) => a - b);
    process.stdout.write(`${name}: ${ROUNDS} parents, median ${sorted[ROUNDS >> 1]} ms, p95 ${sorted[Math.floor(ROUNDS * 0.95)]} ms, longest ${sorted.at(-1)} ms\n`);
  }
});
