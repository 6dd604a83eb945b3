export type DrainPhase = 'serving' | 'draining' | 'refusing' | 'closing';

const ORDER: readonly DrainPhase[] = ['serving', 'draining', 'refusing', 'closing'];

/**
 * How far this gateway is on its way out. It never goes back.
 *
 *   serving ──stop──▶ draining ──REELAY_DRAIN_SECONDS──▶ refusing ──nobody comes any more, 2 s at most──▶ closing
 *                        └────────────────── no delay set ────────────────────────────────────────────────▲
 *
 * draining: /readyz is 503 and every answer ends its connection, all else is served as ever, while a balancer that
 * asks /readyz looks elsewhere. refusing: reads are answered 502 at once, so that a proxy that only learns from
 * failures learns here, where it may ask another gateway, and sends nothing more when the port closes a moment later:
 * connections that wait to be accepted when a port closes are reset. closing: live streams move, the port is closed.
 */
export class Drain {
  readonly #listeners: (() => void)[] = [];
  #phase: DrainPhase = 'serving';

  get phase(): DrainPhase {
    return this.#phase;
  }

  /** True from the request to stop on. */
  get begun(): boolean {
    return this.#phase !== 'serving';
  }

  /** Calls `fn` when the port is about to close, at once when it has been. */
  onClosing(fn: () => void): void {
    if (this.#phase === 'closing') fn();
    else this.#listeners.push(fn);
  }

  /** Goes on to a phase; an earlier one than now changes nothing. */
  enter(phase: DrainPhase): void {
    if (ORDER.indexOf(phase) <= ORDER.indexOf(this.#phase)) return;
    this.#phase = phase;
    if (phase === 'closing') for (const listener of this.#listeners.splice(0)) listener();
  }
}
