export type DrainPhase = 'serving' | 'draining' | 'refusing' | 'closing';

const ORDER: readonly DrainPhase[] = ['serving', 'draining', 'refusing', 'closing'];

/**
 * How far this gateway is on its way out. It never goes back.
 *
 *   serving ──stop──▶ draining ──REELAY_DRAIN_SECONDS──▶ refusing ──nobody comes any more, 5 s at most──▶ closing
 *                        └────────────────── no delay set ────────────────────────────────────────────────▲
 *
 * draining: /readyz is 503 and connections end with their next answer, all else is served as ever, while a balancer
 * that asks /readyz looks elsewhere. refusing: live streams move, and reads are answered 502 at once, so that a proxy
 * that only learns from failures learns here, where it may ask another gateway, and sends nothing more when the port
 * closes: connections that wait to be accepted then are reset, and nobody sends a POST a second time.
 */
export class Drain {
  readonly #listeners: (() => void)[] = [];
  #phase: DrainPhase = 'serving';
  #refusesReads = false;

  get phase(): DrainPhase {
    return this.#phase;
  }

  /** True from the request to stop on. */
  get begun(): boolean {
    return this.#phase !== 'serving';
  }

  /** True once live streams have been sent elsewhere. */
  get moved(): boolean {
    return this.#phase === 'refusing' || this.#phase === 'closing';
  }

  /** Whether reads are for another gateway: there is one, since somebody was given time to find it. */
  get refusesReads(): boolean {
    return this.#refusesReads;
  }

  /** Calls `fn` when live streams are to move. */
  onMove(fn: () => void): void {
    this.#listeners.push(fn);
  }

  /** Goes on to a phase; an earlier one than now changes nothing. */
  enter(phase: DrainPhase): void {
    if (ORDER.indexOf(phase) <= ORDER.indexOf(this.#phase)) return;
    this.#phase = phase;
    if (phase === 'refusing') this.#refusesReads = true;
    if (this.moved) for (const listener of this.#listeners.splice(0)) listener();
  }
}
