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

/** Null where it cannot be made. */
export const makeMemoryGroup = (name: string, limitBytes: number): MemoryGroup | null => {
  for (const { parent, limit } of PLACES) {
    const folder = join(parent, name);
    try {
      mkdirSync(folder);
      if (!readdirSync(folder).includes(limit)) throw new Error('no memory controller');
      writeFileSync(join(folder, limit), String(limitBytes));
      return { add: (pid) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)), remove: () => rmdirSync(folder) };
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
