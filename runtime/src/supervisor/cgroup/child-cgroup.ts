import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { errorCode } from '../../errors.ts';

const BYTES_PER_MIB = 1_048_576;
const CPU_PERIOD_US = 100_000;
const REMOVE_RETRY_MS = 50;
const REMOVE_TRIES = 40;

/** Writes one control file. False when the system does not have or allow it. */
export function writeControl(folder: string, file: string, value: string): boolean {
  try {
    writeFileSync(join(folder, file), value, { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

/** The text of a control file; null when there is none. */
export function readControl(folder: string, file: string): string | null {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch {
    return null;
  }
}

export function processesOf(folder: string): number[] {
  return (readControl(folder, 'cgroup.procs') ?? '').split('\n').filter(Boolean).map(Number);
}

/** KILLs everything below the folder, also what left its group and session. */
export function killCgroup(folder: string): void {
  if (writeControl(folder, 'cgroup.kill', '1')) return;
  // Before kernel 5.14. What is forked meanwhile is found by the next round.
  for (let round = 0; round < 3; round += 1) {
    for (const pid of processesOf(folder)) {
      try {
        if (pid > 1) process.kill(pid, 'SIGKILL');
      } catch {
        // Gone.
      }
    }
  }
}

/** False while the kernel still has something in it. */
export function removeCgroup(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return errorCode(error) === 'ENOENT';
  }
}

/** The cgroup of one child and all it starts. */
export class ChildCgroup {
  readonly folder: string;
  readonly #clock: Clock;
  #removed = false;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
  }

  limitMemory(memoryMb: number): boolean {
    const limited = writeControl(this.folder, 'memory.max', String(Math.floor(memoryMb * BYTES_PER_MIB)));
    // Without these the limit would move to the swap, or leave half a job alive.
    if (limited) writeControl(this.folder, 'memory.swap.max', '0');
    if (limited) writeControl(this.folder, 'memory.oom.group', '1');
    return limited;
  }

  limitCpu(cores: number): boolean {
    return writeControl(this.folder, 'cpu.max', `${Math.max(1_000, Math.round(cores * CPU_PERIOD_US))} ${CPU_PERIOD_US}`);
  }

  add(pid: number): boolean {
    return writeControl(this.folder, 'cgroup.procs', String(pid));
  }

  /** True when the kernel killed for the memory limit of this very cgroup. */
  oomKilled(): boolean {
    const kills = /^oom_kill (\d+)$/m.exec(readControl(this.folder, 'memory.events') ?? '')?.[1];
    return kills !== undefined && Number(kills) > 0;
  }

  kill(): void {
    if (!this.#removed) killCgroup(this.folder);
  }

  /** Ends what is left in it and removes it, as soon as the kernel lets go. */
  remove(): void {
    this.kill();
    this.#tryToRemove(REMOVE_TRIES);
  }

  #tryToRemove(tries: number): void {
    this.#removed = removeCgroup(this.folder);
    if (!this.#removed && tries > 1) this.#clock.after(REMOVE_RETRY_MS, () => this.#tryToRemove(tries - 1));
  }
}
