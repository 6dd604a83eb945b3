import { type Clock, type Ctx, Shutdown } from '@reelay/runtime';
import { JobWorker, type WorkerOptions } from './job-worker.ts';

/** After a process was taken: the job that took it should have the CPU first. */
const REFILL_MS = 500;
/** After a waiting process died by itself. */
const REPAIR_MS = 5_000;

/**
 * Keeps one job process waiting for its order, because a cold start of Node costs 85 ms of a core (measured). Each serves
 * one job.
 */
export class WarmPool {
  readonly #ctx: Ctx;
  readonly #options: () => WorkerOptions;
  readonly #clock: Clock;
  #waiting: JobWorker | undefined;
  #callOffRefill: (() => void) | undefined;
  #closed = false;

  /** `options`: asked for each process. */
  constructor(ctx: Ctx, options: () => WorkerOptions, clock: Clock) {
    this.#ctx = ctx;
    this.#options = options;
    this.#clock = clock;
  }

  /** Starts the waiting process. */
  fill(): void {
    if (this.#closed || this.#waiting) return;
    const worker = new JobWorker(this.#ctx, this.#options());
    this.#waiting = worker;
    void worker.ended.then(({ exit, stderrTail }) => {
      if (this.#waiting !== worker) return exit;
      this.#waiting = undefined;
      if (!this.#closed) this.#options().logger.warn({ exit: exit.kind, stderr: stderrTail.slice(-1000) }, 'a waiting job process ended');
      this.#refillIn(REPAIR_MS);
      return exit;
    });
  }

  /** A process for one job: the waiting one, or a fresh one. @throws SpawnRefused */
  take(): JobWorker {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#refillIn(REFILL_MS);
    return waiting?.alive ? waiting : new JobWorker(this.#ctx, this.#options());
  }

  /** The options have changed: the waiting process is replaced by one that has the new ones. */
  renew(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    void waiting?.terminate(new Shutdown('the settings have changed'));
    this.fill();
  }

  /** Ends the waiting process. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#callOffRefill?.();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    await waiting?.terminate(new Shutdown('no more jobs'));
  }

  #refillIn(ms: number): void {
    this.#callOffRefill?.();
    if (!this.#closed) this.#callOffRefill = this.#clock.after(ms, () => this.fill());
  }
}
