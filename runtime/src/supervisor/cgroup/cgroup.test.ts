import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { orSkip } from '../../test-support/or-skip.ts';
import { bundleProgram, isGone } from '../../test-support/processes.ts';
import { systemClock } from '../../clock.ts';
import { openCgroupTree } from './cgroup-tree.ts';
import { ChildCgroup, killCgroup } from './child-cgroup.ts';
import { locateMemoryV1, locateUnified, upToMount } from './locate.ts';

const HYBRID = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw`;
const UNIFIED = '29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';

let base: string;
const realFolders: string[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'reelay-cgroup-'));
});
afterEach(async () => {
  rmSync(base, { recursive: true, force: true });
  for (const folder of realFolders.splice(0)) await removeReal(folder);
});

test('our folder is found in every layout', () => {
  expect(locateUnified(UNIFIED, '0::/system.slice/reelay.service\n')).toEqual({ mount: '/sys/fs/cgroup', folder: '/sys/fs/cgroup/system.slice/reelay.service' });
  expect(locateUnified(UNIFIED, '0::/a:b c\n')?.folder).toBe('/sys/fs/cgroup/a:b c');
  expect(locateUnified(HYBRID, '4:memory:/docker/1\n0::/\n')?.folder).toBe('/sys/fs/cgroup/unified');
  expect(locateMemoryV1(HYBRID, '5:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/\n')).toEqual({ mount: '/sys/fs/cgroup/memory', folder: '/sys/fs/cgroup/memory/docker/1' });
});

test('a container sees the part that is mounted, and nothing outside of it', () => {
  const bound = '29 22 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw';
  expect(locateUnified(bound, '0::/docker/1/x\n')?.folder).toBe('/sys/fs/cgroup/x');
  expect(locateUnified(bound, '0::/docker/1\n')?.folder).toBe('/sys/fs/cgroup');
  expect(locateUnified(bound, '0::/docker/12\n')).toBeNull();
  expect(locateUnified(UNIFIED, '0::/../../other\n')).toBeNull();
  expect(locateUnified('', '')).toBeNull();
  expect(locateUnified(String.raw`29 22 0:26 / /mnt/with\040space rw - cgroup2 none rw`, '0::/x')?.folder).toBe('/mnt/with space/x');
});

test('limits above us count up to the mount', () => {
  expect(upToMount({ mount: '/m', folder: '/m/a/b' })).toEqual(['/m/a/b', '/m/a', '/m']);
  expect(upToMount({ mount: '/m', folder: '/m' })).toEqual(['/m']);
});

/** A folder that looks like a cgroup: the control files are plain ones. */
function fakeCgroup(files: Record<string, string>, name = 'unit'): string {
  const folder = join(base, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

const DELEGATED = { 'cgroup.type': 'domain\n', 'cgroup.procs': `${process.pid}\n`, 'cgroup.controllers': 'cpu io memory pids\n', 'cgroup.subtree_control': '' };
const open = (folder: string, path = '/unit') => openCgroupTree({ mountinfo: `29 22 0:26 / ${folder.slice(0, -path.length)} rw - cgroup2 none rw`, selfCgroup: `0::${path}\n` });

test('alone in a delegated cgroup, we move into a leaf and hand the controllers down', () => {
  const folder = fakeCgroup(DELEGATED);
  mkdirSync(join(folder, 'supervisor'));
  writeFileSync(join(folder, 'supervisor', 'cgroup.procs'), '');
  const { tree, reason } = open(folder);
  expect([reason, tree?.folder]).toEqual([null, folder]);
  expect(readFileSync(join(folder, 'supervisor', 'cgroup.procs'), 'utf8')).toBe(String(process.pid));
  expect(readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8')).toContain('+cpu');
});

test('what is not ours alone is left as it is', () => {
  expect(open(fakeCgroup({ ...DELEGATED, 'cgroup.procs': `${process.pid}\n1\n` })).reason).toBe('other processes share the cgroup');
  const { 'cgroup.type': _type, ...root } = DELEGATED;
  expect(open(fakeCgroup(root, 'root'), '/root').reason).toBe('no part of cgroup v2 is delegated to this process');
  expect(openCgroupTree({ mountinfo: '', selfCgroup: '' }).reason).toBe('this host has no cgroup v2');
  expect(openCgroupTree({ folder: base }).reason).toBe(`${base} is not a cgroup`);
  expect(readdirSync(join(base, 'unit'))).not.toContain('supervisor');
});

test("a child's limits are written as the kernel reads them", () => {
  const folder = fakeCgroup({ 'memory.max': 'max\n', 'memory.swap.max': 'max\n', 'memory.oom.group': '0\n', 'cpu.max': 'max 100000\n', 'memory.events': 'oom 1\noom_kill 0\n' });
  const child = new ChildCgroup(folder, systemClock);
  const read = (file: string) => readFileSync(join(folder, file), 'utf8').split('\n')[0];
  expect(child.limitMemory(1.5)).toBe(true);
  expect(child.limitCpu(1.5)).toBe(true);
  expect([read('memory.max'), read('memory.swap.max')?.[0], read('memory.oom.group')?.[0], read('cpu.max')?.slice(0, 13)]).toEqual(['1572864', '0', '1', '150000 100000']);
  expect(child.oomKilled()).toBe(false);
  writeFileSync(join(folder, 'memory.events'), 'low 0\noom 3\noom_kill 2\n');
  expect(child.oomKilled()).toBe(true);
  expect(new ChildCgroup(join(base, 'none'), systemClock).limitMemory(1)).toBe(false);
});

/** A real folder of cgroup v2, as systemd's `Delegate=yes` would give it; null where there is none. */
function realFolder(): string | null {
  for (const mount of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    if (!existsSync(join(mount, 'cgroup.subtree_control'))) continue;
    try {
      const folder = join(mount, `reelay-delegated-${process.pid}`);
      mkdirSync(folder);
      realFolders.push(folder);
      return folder;
    } catch {
      return null;
    }
  }
  return null;
}

async function removeReal(folder: string): Promise<void> {
  killCgroup(folder);
  await eventually(() => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) rmdirSync(join(folder, entry.name));
    rmdirSync(folder);
  });
}

const PROGRAM = `
import { writeFileSync } from 'node:fs';
import { createLogger } from './log.ts';
import { Ctx } from './ctx.ts';
import { openCgroupTree, Supervisor } from './supervisor/mod.ts';
writeFileSync(process.argv[2] + '/cgroup.procs', String(process.pid));
const opened = openCgroupTree();
const again = openCgroupTree();
const supervisor = new Supervisor({ logger: createLogger({ service: 'x', level: 'silent' }), env: process.env, cgroups: opened.tree ?? undefined });
const proc = supervisor.spawn(Ctx.root(), { name: 'x', kind: 'batch', argv0: 'sh', args: ['-c', 'trap "" INT; cat /proc/self/cgroup; exec sleep 300'], group: 'own', stdout: 'pipe', deathSignal: 'INT' });
proc.stdout.once('data', (text) => console.log(JSON.stringify({ reason: opened.reason, again: again.tree?.folder, own: String(text).match(/^0::(.*)$/m)?.[1], pid: proc.pid })));
setInterval(() => {}, 1000);
`;

test.skipIf(process.platform !== 'linux')('in a real delegated cgroup children get folders, and a successor sweeps them', async (context) => {
  const folder = orSkip(realFolder(), context, 'no writable cgroup v2');
  const program = join(base, 'program.cjs');
  await bundleProgram(PROGRAM, program);
  const parent = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const told = await new Promise<string>((resolve) => {
    parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
  const { reason, again, own, pid } = JSON.parse(told) as { reason: string | null; again: string; own: string; pid: number };
  expect([reason, again]).toEqual([null, folder]);
  expect(own).toMatch(/\/reelay-delegated-\d+\/child-\d+-\d+\.1$/);
  expect(readFileSync(join(folder, 'supervisor', 'cgroup.procs'), 'utf8')).toBe(`${parent.pid}\n`);
  const { tree } = openCgroupTree({ folder });
  expect(tree?.sweep()).toEqual([]);
  // Its parent's death sends INT here, which it ignores: a left-over.
  const exited = new Promise((resolve) => {
    parent.once('exit', resolve);
  });
  parent.kill('SIGKILL');
  await exited;
  expect(tree?.sweep()).toEqual([pid]);
  await eventually(() => expect(isGone(pid)).toBe(true));
  // The kernel may still hold on to it for a moment; the next sweep removes it.
  await eventually(() => {
    expect(tree?.sweep()).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('child-'))).toEqual([]);
  });
});
