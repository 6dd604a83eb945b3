import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildContender, Contender, lockRound } from '../test-support/contenders.ts';
import { acquireInstance, type InstanceLock, InstanceRunningError } from './instance-lock.ts';
import { ownerIsAlive, readPidFile } from './pid-file.ts';

vi.setConfig({ testTimeout: 60_000 });

let base: string;
let program: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'reelay-instance-'));
  program = join(base, 'contender.cjs');
  await buildContender(program);
});
afterAll(() => rmSync(base, { recursive: true }));

const acquire = (name: string, more: object = {}): Promise<InstanceLock> => acquireInstance({ dir: join(base, name), name: 'demo', runId: 'run-1', ...more });

/** Runs `work` on a small or read-only file system; false where this user may not mount. */
const mounted = (options: string, work: (name: string) => Promise<void>): Promise<boolean> => {
  const name = `mount-${options.replaceAll(/\W/g, '')}`;
  mkdirSync(join(base, name), { recursive: true });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', join(base, name)]).status !== 0) return Promise.resolve(false);
  return work(name).then(() => true).finally(() => spawnSync('umount', [join(base, name)]));
};

describe('the pid file', () => {
  test('is for people and scripts: the pid alone on its first line, readable by all, gone at the end', async () => {
    const before = process.umask(0o077);
    const lock = await acquire('readable').finally(() => process.umask(before));
    expect(lock.pidFile).toBe(join(base, 'readable', 'demo.pid'));
    expect(statSync(lock.pidFile).mode & 0o777).toBe(0o644);
    expect(readFileSync(lock.pidFile, 'utf8').split('\n')[0]).toBe(String(process.pid));
    const owner = await readPidFile(lock.pidFile);
    expect(owner).toMatchObject({ pid: process.pid, runId: 'run-1', host: hostname() });
    expect(owner !== null && (await ownerIsAlive(owner))).toBe(true);
    await lock.release();
    await lock.release();
    expect(readdirSync(join(base, 'readable'))).toEqual([]);
  });

  test('a refusal names the other process, also when somebody removed the file', async () => {
    const lock = await acquire('taken');
    const refusal = { code: 'already_running', pid: process.pid, message: `demo already runs on ${join(base, 'taken')} (process ${process.pid}); stop it first` };
    await expect(acquire('taken')).rejects.toMatchObject(refusal);
    rmSync(lock.pidFile);
    await expect(acquire('taken')).rejects.toMatchObject(refusal);
    await lock.release();
  });

  test.each([
    ['of a process that is gone', '4194000\nstart-ticks 1\n'],
    ['whose pid was given to another process', `${process.pid}\nstart-ticks 1\n`],
    ['of an earlier boot', `${process.pid}\nboot-id 00000000-0000-0000-0000-000000000000\n`],
    ['that means nothing', 'not a pid\n'],
    ['that is empty', ''],
  ])('a stale one %s is no hindrance', async (_case, content) => {
    const dir = join(base, 'stale');
    mkdirSync(dir, { recursive: true });
    for (const name of ['demo.pid', 'demo.lock']) writeFileSync(join(dir, name), content);
    const lock = await acquire('stale');
    expect((await readPidFile(lock.pidFile))?.pid).toBe(process.pid);
    await lock.release();
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('a folder that cannot take it', () => {
  test('is one clear sentence', async () => {
    writeFileSync(join(base, 'file'), '');
    await expect(acquire('file/below')).rejects.toMatchObject({ code: 'run_folder_unusable', message: expect.stringContaining('a part of its path is a file') });
  });

  test.runIf(process.getuid?.() !== 0)('is one clear sentence when it may not be written', async () => {
    mkdirSync(join(base, 'closed'));
    chmodSync(join(base, 'closed'), 0o555);
    await expect(acquire('closed')).rejects.toMatchObject({ code: 'run_folder_unusable', message: expect.stringContaining('this user may not') });
  });

  test('tells of a full disk, and leaves nothing', async ({ skip }) => {
    const ran = await mounted('size=8k', async (name) => {
      const dir = join(base, name);
      spawnSync('sh', ['-c', `cat /dev/zero > '${dir}/filler'`], { stdio: 'ignore' });
      await expect(acquire(name)).rejects.toMatchObject({ code: 'run_folder_unusable', message: expect.stringContaining('the disk is full (ENOSPC)') });
      expect(readdirSync(dir)).toEqual(['filler']);
    });
    if (!ran) skip();
  });
  test('tells of a read-only file system', async ({ skip }) => {
    const ran = await mounted('ro', async (name) => {
      await expect(acquire(name)).rejects.toMatchObject({ code: 'run_folder_unusable', message: expect.stringContaining('read-only (EROFS)') });
    });
    if (!ran) skip();
  });
});

describe('several at the same instant', () => {
  test('exactly one wins each round; the others name it; a killed winner leaves no hindrance', async () => {
    const contenders = Array.from({ length: 6 }, () => new Contender(program));
    await Promise.all(contenders.map((contender) => contender.untilUp()));
    const dir = join(base, 'race');
    for (let round = 0; round < 20; round += 1) {
      const pids = contenders.map(({ pid }) => pid);
      const outcomes = await lockRound(contenders, dir, program, round % 4 === 3);
      const winners = outcomes.flatMap(({ won }, index) => (won ? [pids[index]] : []));
      expect(winners, `round ${round}`).toHaveLength(1);
      for (const { won, code, pid } of outcomes) if (!won) expect({ code, pid }, `round ${round}`).toEqual({ code: 'already_running', pid: winners[0] });
    }
    await Promise.all(contenders.map((contender) => contender.kill()));
  });

  test('within one process too, also while the holder gives it back', async () => {
    const dir = join(base, 'churn');
    const inside = join(base, 'inside');
    let turns = 0;
    const worker = async (): Promise<void> => {
      for (let turn = 0; turn < 15;) {
        try {
          const lock = await acquireInstance({ dir, name: 'demo', runId: 'x', waitMs: 0 });
          writeFileSync(inside, '', { flag: 'wx' });
          await new Promise(setImmediate);
          rmSync(inside);
          await lock.release();
          turn += 1;
          turns += 1;
        } catch (error) {
          if (!(error instanceof InstanceRunningError)) throw error;
          await new Promise(setImmediate);
        }
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect([turns, existsSync(inside), readdirSync(dir)]).toEqual([60, false, []]);
  });
});
