import type { Ctx } from './ctx.ts';
import { type Clock, systemClock } from './clock.ts';
import { ReelayError, toError } from './errors.ts';

/** A long-lived thing. `stop()` is idempotent, legal before `start()`, and resolves when it is really done. */
export interface Service {
  readonly name: string;
  start(ctx: Ctx): Promise<void>;
  stop(): Promise<void>;
}

/** A release step did not end in its time. */
export class ReleaseTimeout extends ReelayError {
  readonly code = 'release_timeout';
  constructor(name: string, deadlineMs: number) {
    super(`${name} did not stop within ${deadlineMs} ms`, { name, deadlineMs });
  }
}

export interface ReleaseReport {
  name: string;
  tookMs: number;
  error?: Error;
}

interface Step {
  name: string;
  fn: () => void | Promise<void>;
  deadlineMs: number;
}

/** Runs `fn`, but waits no longer than `deadlineMs`. @throws ReleaseTimeout, or what `fn` threw */
export async function withDeadline(clock: Clock, name: string, deadlineMs: number, fn: () => void | Promise<void>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const callOff = clock.after(deadlineMs, () => reject(new ReleaseTimeout(name, deadlineMs)));
    Promise.resolve()
      .then(fn)
      .then(resolve, (error: unknown) => reject(toError(error)))
      .finally(callOff);
  });
}

/** Releases resources in the reverse order of acquisition. A failing step never stops the ones below it. */
export class ReleaseStack {
  readonly #steps: Step[] = [];
  readonly #clock: Clock;
  readonly #onStep: (report: ReleaseReport) => void;
  #released: Promise<void> | undefined;

  constructor(clock: Clock = systemClock, onStep: (report: ReleaseReport) => void = () => {}) {
    this.#clock = clock;
    this.#onStep = onStep;
  }

  get size(): number {
    return this.#steps.length;
  }

  /** Pushed while releasing: it runs next, so nothing acquired late is left behind. */
  push(name: string, fn: () => void | Promise<void>, deadlineMs = 5_000): void {
    this.#steps.push({ name, fn, deadlineMs });
    if (this.#released) this.#released = this.#released.then(() => this.#drain(), async (error: unknown) => {
      await this.#drain().catch(() => {});
      throw error;
    });
    this.#released?.catch(() => {});
  }

  /** Starts the service and releases it with the rest. */
  async start(service: Service, ctx: Ctx, deadlineMs?: number): Promise<void> {
    this.push(service.name, () => service.stop(), deadlineMs);
    await service.start(ctx);
  }

  /** Idempotent. @throws the first error, after every step has run */
  release(): Promise<void> {
    this.#released ??= this.#drain();
    return this.#released;
  }

  async #drain(): Promise<void> {
    let first: Error | undefined;
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      const startedMs = this.#clock.monotonicMs();
      const report: ReleaseReport = { name: step.name, tookMs: 0 };
      try {
        await withDeadline(this.#clock, step.name, step.deadlineMs, step.fn);
      } catch (error) {
        report.error = toError(error);
        first ??= report.error;
      }
      report.tookMs = Math.round(this.#clock.monotonicMs() - startedMs);
      this.#onStep(report);
    }
    if (first) throw first;
  }
}
