import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { hostProcesses, parseProcStat, programName, readProcStat } from './proc-stat.ts';

test('a name with spaces and brackets does not move the fields', () => {
  const line = '4242 (a) (b) R) S 1 4200 4100 0 -1 4194304 10 20 0 0 7 3 11 2 20 0 1 0 502991 12345 250 18446744073709551615\n';
  expect(parseProcStat(line)).toMatchObject({
    pid: 4242, name: 'a) (b) R', osState: 'S', ppid: 1, pgid: 4200, session: 4100, startTicks: '502991', cpuMs: 100, reapedCpuMs: 130,
  });
  expect(parseProcStat('')).toBeNull();
  expect(parseProcStat('1 (x) S 1')).toBeNull();
});

test.skipIf(process.platform !== 'linux')('this process is seen as others see it', async () => {
  const own = readProcStat(process.pid);
  expect(own).toMatchObject({ pid: process.pid, ppid: process.ppid });
  expect(own?.rssBytes).toBeGreaterThan(10 * 1_048_576);
  const all = await hostProcesses.all();
  expect(all?.find((stat) => stat.pid === process.pid)?.startTicks).toBe(own?.startTicks);
  expect(readProcStat(4_194_305)).toBeNull();
});

const LOADER = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'].find((path) => existsSync(path));
test.skipIf(LOADER === undefined)('a program that the dynamic loader runs is known by its own name', async () => {
  const child = spawn(LOADER ?? '', ['--library-path', '/none', '/bin/sleep', '60'], { stdio: 'ignore' });
  try {
    const { pid = 0 } = child;
    await vi.waitFor(() => expect(readProcStat(pid)?.name).toMatch(/^ld-linux/));
    expect(programName({ pid, name: readProcStat(pid)?.name ?? '' })).toBe('sleep');
  } finally {
    child.kill('SIGKILL');
  }
  expect(programName({ pid: 4_194_305, name: 'ld-linux-x86-64' })).toBe('ld-linux-x86-64');
  expect(programName({ pid: process.pid, name: 'node' })).toBe('node');
});
