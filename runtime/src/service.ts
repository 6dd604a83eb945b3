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
  deadlineMs: number | (() => number);
}

/** A step that is to come. */
export interface StepDescription {
  name: string;
  deadlineMs: number;
}

export interface ReleaseOptions {
  onStep?: ((report: ReleaseReport) => void) | undefined;
  /** What all steps together may take, asked when the release begins. Steps that hang leave time for those below them. */
  totalMs?: (() => number) | undefined;
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

/** Each step below one that hangs still gets this share of the total. */
const SHARE_OF_LATER_STEPS = 0.03;

/** Releases resources in the reverse order of acquisition. A failing step never stops the ones below it. */
export class ReleaseStack {
  readonly #steps: Step[] = [];
  readonly #clock: Clock;
  readonly #options: ReleaseOptions;
  #released: Promise<void> | undefined;
  #draining = false;
  #endsMs = Infinity;
  #totalMs = Infinity;

  constructor(clock: Clock = systemClock, options: ReleaseOptions = {}) {
    this.#clock = clock;
    this.#options = options;
  }

  get size(): number {
    return this.#steps.length;
  }

  /** Pushed while or after releasing: it runs at once, so nothing acquired late is left behind. */
  push(name: string, fn: () => void | Promise<void>, deadlineMs: number | (() => number) = 5_000): void {
    this.#steps.push({ name, fn, deadlineMs });
    if (this.#draining || !this.#released) return;
    this.#released = this.#drain();
    this.#released.catch(() => {}); // Reported by onStep.
  }

  /** The steps in the order in which they will run. */
  describe(): StepDescription[] {
    return this.#steps.toReversed().map(({ name, deadlineMs }) => ({ name, deadlineMs: Math.round(typeof deadlineMs === 'function' ? deadlineMs() : deadlineMs) }));
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
    this.#draining = true;
    this.#totalMs = this.#options.totalMs?.() ?? Infinity;
    this.#endsMs = Math.min(this.#endsMs, this.#clock.monotonicMs() + this.#totalMs);
    let first: Error | undefined;
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      const startedMs = this.#clock.monotonicMs();
      const report: ReleaseReport = { name: step.name, tookMs: 0 };
      try {
        await withDeadline(this.#clock, step.name, this.#deadlineOf(step), step.fn);
      } catch (error) {
        report.error = toError(error);
        first ??= report.error;
      }
      report.tookMs = Math.round(this.#clock.monotonicMs() - startedMs);
      this.#options.onStep?.(report);
    }
    this.#draining = false;
    if (first) throw first;
  }

  #deadlineOf({ deadlineMs }: Step): number {
    const ownMs = typeof deadlineMs === 'function' ? deadlineMs() : deadlineMs;
    if (this.#totalMs === Infinity) return ownMs;
    const leastMs = this.#totalMs * SHARE_OF_LATER_STEPS;
    const leftMs = this.#endsMs - this.#clock.monotonicMs() - this.#steps.length * leastMs;
    return Math.round(Math.min(ownMs, Math.max(leftMs, leastMs)));
  }
}
