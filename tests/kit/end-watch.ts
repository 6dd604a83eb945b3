/** When processes end, seen from a thread that does nothing else: the crowd's own loop is busy, and would call them late. */
import { Worker } from 'node:worker_threads';

const LOOK_MS = 2;

/** Runs in the thread: `/proc` alone, for the processes are nobody's children here. A zombie has ended. */
const looking = (lookMs: number): string => `
const { parentPort } = require('node:worker_threads');
const { readFileSync } = require('node:fs');
const watched = new Map();
const statOf = (pid) => {
  try {
    const words = readFileSync('/proc/' + pid + '/stat', 'latin1').replace(/^.*\\) /s, '').split(' ');
    return words[0] === 'Z' || words[0] === 'X' ? null : words[19];
  } catch {
    return null;
  }
};
const now = () => performance.timeOrigin + performance.now();
parentPort.on('message', ({ id, pids }) => watched.set(id, pids.map((pid) => [pid, statOf(pid)])));
setInterval(() => {
  for (const [id, processes] of watched) {
    if (processes.some(([pid, started]) => started !== null && statOf(pid) === started)) continue;
    watched.delete(id);
    parentPort.postMessage({ id, atMs: now() });
  }
}, ${lookMs});
`;

export class EndWatch {
  readonly #worker = new Worker(looking(LOOK_MS), { eval: true });
  readonly #waiting = new Map<number, (atMs: number) => void>();
  #next = 0;

  constructor() {
    this.#worker.on('message', ({ id, atMs }: { id: number; atMs: number }) => {
      this.#waiting.get(id)?.(atMs - performance.timeOrigin);
      this.#waiting.delete(id);
    });
  }

  /** Resolves when all have ended, with the time on this thread's `performance.now()`; after `patienceMs` in any case. They must be alive. */
  ended(pids: readonly number[], patienceMs: number): Promise<number> {
    this.#next += 1;
    const id = this.#next;
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => resolve(performance.now()), patienceMs);
      this.#waiting.set(id, (atMs) => {
        clearTimeout(giveUp);
        resolve(atMs);
      });
      this.#worker.postMessage({ id, pids }, []);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
