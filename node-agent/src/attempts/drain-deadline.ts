import type { Clock } from '@reelay/runtime';

/** Two words about one deadline differ by their time on the way. */
const SAME_MS = 250;

/**
 * When what runs on a draining node is given back. The hub keeps the deadline and repeats in each heartbeat how much of
 * it is left; this only acts in time, also while the hub is away.
 *
 *   none ──set(ms)──▶ waiting ──▶ over        set(null) ──▶ none
 */
export class DrainDeadline {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  /** On the monotonic clock. */
  #atMs: number | null = null;
  #isOver = false;
  #callOff: () => void = () => {};

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** Null: none (any more). */
  set(ms: number | null): void {
    const atMs = ms === null ? null : this.#clock.monotonicMs() + ms;
    const isSame = atMs !== null && this.#atMs !== null && (Math.abs(atMs - this.#atMs) < SAME_MS || (this.#isOver && ms === 0));
    if (isSame) return;
    this.#callOff();
    this.#atMs = atMs;
    this.#isOver = false;
    if (ms === null) return;
    this.#callOff = this.#clock.after(ms, () => {
      this.#isOver = true;
      this.#onOver();
    });
  }
}
