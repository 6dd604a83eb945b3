import { type ChildProcess, spawn } from 'node:child_process';
import { bundleProgram } from './processes.ts';

/** Waits for a folder, tries the lock on it, says how that went, and holds it until told otherwise. */
const CONTENDER = `
import { acquireInstance } from './supervisor/instance-lock.ts';
let lock;
process.on('message', async ({ dir, release }) => {
  if (release) {
    await lock?.release();
    lock = undefined;
    process.send({ released: true });
    return;
  }
  try {
    lock = await acquireInstance({ dir, name: 'demo', runId: String(process.pid) });
    process.send({ won: true });
  } catch (error) {
    process.send({ won: false, code: error.code, pid: error.pid ?? null, message: error.message });
  }
});
process.send({ up: true });
`;

export interface Outcome {
  won: boolean;
  code?: string;
  /** Who the refusal names. */
  pid?: number | null;
  message?: string;
}

/** A process that can try the lock, hold it, give it back or be killed. */
export class Contender {
  readonly child: ChildProcess;
  readonly #messages: unknown[] = [];
  #wake: () => void = () => {};

  constructor(program: string) {
    this.child = spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.child.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async untilUp(): Promise<void> {
    await this.#next();
  }

  /** Sent at once; the outcome follows. */
  compete(dir: string): Promise<Outcome> {
    this.child.send({ dir });
    return this.#next() as Promise<Outcome>;
  }

  async release(): Promise<void> {
    this.child.send({ release: true });
    await this.#next();
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => {
      this.child.once('exit', resolve);
    });
    this.child.kill('SIGKILL');
    await gone;
  }

  async #next(): Promise<unknown> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift();
  }
}

/** Makes the program of the contenders. */
export const buildContender = (path: string): Promise<void> => bundleProgram(CONTENDER, path);

/**
 * One round on one folder: all are released by the same turn of the event loop. Then the winner gives the lock back, or
 * is killed and replaced, so that the next round finds what it left. Answers the outcomes.
 */
export async function lockRound(contenders: Contender[], dir: string, program: string, killWinner: boolean): Promise<Outcome[]> {
  const outcomes = await Promise.all(contenders.map((contender) => contender.compete(dir)));
  const winner = outcomes.findIndex(({ won }) => won);
  const one = contenders[winner];
  if (!one) return outcomes;
  if (!killWinner) {
    await one.release();
    return outcomes;
  }
  await one.kill();
  const fresh = new Contender(program);
  await fresh.untilUp();
  contenders[winner] = fresh;
  return outcomes;
}
