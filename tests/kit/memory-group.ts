/** A control group with a memory limit, where this user may make one: the kernel kills who goes beyond it. */
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryGroup {
  add(pid: number): void;
  remove(): void;
}

const PLACES = [
  { parent: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { parent: '/sys/fs/cgroup', limit: 'memory.max' },
];

/** A process that is gone already needs no limit. */
const addTo = (folder: string, pid: number): void => {
  try {
    writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};

/** Null where it cannot be made. */
export const makeMemoryGroup = (name: string, limitBytes: number): MemoryGroup | null => {
  for (const { parent, limit } of PLACES) {
    const folder = join(parent, name);
    try {
      mkdirSync(folder);
      if (!readdirSync(folder).includes(limit)) throw new Error('no memory controller');
      writeFileSync(join(folder, limit), String(limitBytes));
      return { add: (pid) => addTo(folder, pid), remove: () => rmdirSync(folder) };
    } catch {
      try {
        rmdirSync(folder);
      } catch {
        // Not made.
      }
    }
  }
  return null;
};
