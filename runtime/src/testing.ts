import type { Clock } from './clock.ts';

interface Timer {
  atMs: number;
  everyMs: number | undefined;
  fn: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();

  constructor(start = new Date('2026-01-01T00:00:00Z')) {
    this.#startMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#startMs + this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(ms: number, fn: () => void): () => void {
    return this.#add({ atMs: this.#elapsedMs + Math.max(0, ms), everyMs: undefined, fn });
  }

  every(ms: number, fn: () => void): () => void {
    if (ms <= 0) throw new RangeError('every needs a positive period');
    return this.#add({ atMs: this.#elapsedMs + ms, everyMs: ms, fn });
  }

  /** Timers that have not fired or been called off. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time forward and fires what falls due, in order of time. */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (;;) {
      const next = this.#earliest();
      if (!next || next.atMs > endMs) break;
      this.#elapsedMs = next.atMs;
      if (next.everyMs === undefined) this.#timers.delete(next);
      else next.atMs += next.everyMs;
      next.fn();
    }
    this.#elapsedMs = endMs;
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  #earliest(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (!first || timer.atMs < first.atMs) first = timer;
    return first;
  }
}
