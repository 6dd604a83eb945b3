import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { killHelpers, run } from './run.mjs';

const isGone = (pid: number): boolean => {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
};
const allGone = (pids: readonly number[]): Promise<void> => vi.waitFor(() => expect(pids.filter((pid) => !isGone(pid))).toEqual([]), { timeout: 10_000, interval: 10 });

test('a helper tells how it ended and what it said', async () => {
  expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n', spawnError: null });
  expect(await run('printf', ['%s|', 'a b', '$HOME'])).toMatchObject({ code: 0, stdout: 'a b|$HOME|' });
  expect(await run('/no/such/program', [])).toMatchObject({ code: null, spawnError: 'ENOENT' });
  expect(await run('sleep', ['60'], { timeoutMs: 50 })).toMatchObject({ code: null, spawnError: null });
});

test('what a helper leaves running ends with it', async () => {
  const { stdout } = await run('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!']);
  await allGone([Number(stdout)]);
});

test.each(['SIGKILL', 'SIGTERM'] as const)('helpers and what they started end with a launcher that dies of %s', async (signal) => {
  const source = `import('${new URL('./run.mjs', import.meta.url).href}').then(({ run }) => run('sh', ['-c', 'sleep 60 & wait']));`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'ignore' });
  const helpers = await vi.waitFor(() => {
    const found = descendantsOf(parent.pid ?? 0);
    if (found.length < 3) throw new Error('not yet');
    return found;
  }, { timeout: 10_000, interval: 10 });
  parent.kill(signal);
  await allGone(helpers);
});

test('all helpers can be ended at once', async () => {
  const ended = run('sleep', ['60']);
  killHelpers();
  expect(await ended).toMatchObject({ code: null });
});

const descendantsOf = (parent: number): number[] => {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter((pid) => pid !== '').map(Number);
  return children.concat(children.flatMap(descendantsOf));
};
