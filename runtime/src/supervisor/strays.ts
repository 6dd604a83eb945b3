import type { Logger } from '../log.ts';
import { childMarkOf, markIn, readEnviron, readMark } from './proc-mark.ts';
import { hostProcesses, readProcStat } from './proc-stat.ts';

/** A child that has ended, as its left-overs are logged. */
interface Ended {
  name: string;
  pgid: number;
  cause: Error | undefined;
}

const BATCH = 64;
const ROUNDS = 3;
const REMEMBERED = 256;

/** Marks of the children of this process that run, whichever supervisor started them. */
const alive = new Set<string>();

/** Younger than this process and marked as one of its children's. One that hangs in the kernel would not hear a signal anyway. */
async function marked(): Promise<number[]> {
  const ownStart = Number(readProcStat(process.pid)?.startTicks ?? Infinity);
  const candidates = ((await hostProcesses.all()) ?? []).filter(({ osState, startTicks }) => Number(startTicks) >= ownStart && osState !== 'Z' && osState !== 'D');
  const found: number[] = [];
  for (let at = 0; at < candidates.length; at += BATCH) {
    const batch = candidates.slice(at, at + BATCH).map(({ pid }) => pid);
    const marks = await Promise.all(batch.map(async (pid) => markIn(await readEnviron(pid))));
    found.push(...batch.filter((_, index) => childMarkOf(marks[index] ?? '') !== null));
  }
  return found;
}

/**
 * Ends what a child left behind outside its group: a double fork into a session of its own is out of reach of every
 * signal to the group, but keeps the mark in its environment. One scan of /proc serves all children that ended meanwhile.
 */
export class StrayHunt {
  readonly #logger: Logger;
  readonly #ended = new Map<string, Ended>();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #killed = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How many were ended so far. */
  get killed(): number {
    return this.#killed;
  }

  began(mark: string): void {
    alive.add(mark);
  }

  ended(mark: string, { name, pgid, cause }: Ended): void {
    alive.delete(mark);
    this.#ended.set(mark, { name, pgid, cause });
    const oldest = this.#ended.keys().next();
    if (this.#ended.size > REMEMBERED && oldest.done !== true) this.#ended.delete(oldest.value);
  }

  /** Resolves after a scan that began after this call; never rejects. */
  run(): Promise<void> {
    if (process.platform !== 'linux') return Promise.resolve();
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(() => this.#start());
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#scan().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #scan(): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const pids = await marked();
      if (pids.filter((pid) => this.#end(pid)).length === 0) return;
    }
  }

  /** Reads the mark once more, so that nothing comes between the look and the signal. */
  #end(pid: number): boolean {
    const mark = readMark(pid);
    const child = mark === null ? null : childMarkOf(mark);
    if (child === null || alive.has(child)) return false;
    const stat = readProcStat(pid);
    const ended = this.#ended.get(child);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return false;
    }
    // In its group it was killed a moment ago and is not quite gone yet.
    if (stat && stat.pgid !== ended?.pgid) {
      this.#killed += 1;
      this.#logger.warn({ proc: ended?.name, pid, program: stat.name, reason: ended?.cause?.message }, 'child left a process behind, killed');
    }
    return true;
  }
}
