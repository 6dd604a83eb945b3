import type { Clock } from '@reelay/runtime';
import type { HoldOff } from '../placement/types.ts';

const LONGEST_MS = 5 * 60_000;

interface Entry extends HoldOff {
  untilMs: number;
  /** Refusals in a row. */
  times: number;
}

/**
 * Offers that were refused a moment ago, so that a refusal never turns into a tight loop: each further one in a row
 * holds off for twice as long, up to five minutes.
 */
export class HoldOffs {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `jobId` null: the whole node. */
  add(nodeId: string, jobId: string | null, reason: string, firstMs: number): void {
    const key = `${nodeId} ${jobId ?? '*'}`;
    const times = (this.#entries.get(key)?.times ?? 0) + 1;
    this.#entries.set(key, { nodeId, jobId, reason, times, untilMs: this.#clock.monotonicMs() + Math.min(LONGEST_MS, firstMs * 2 ** (times - 1)) });
  }

  /** Offers nothing to the node for `ms`, however often this is said. */
  hold(nodeId: string, reason: string, ms: number): void {
    this.#entries.set(`${nodeId} *`, { nodeId, jobId: null, reason, times: 1, untilMs: this.#clock.monotonicMs() + ms });
  }

  /** The node said hello: what it refused before counts no more. */
  forget(nodeId: string): void {
    for (const [key, entry] of this.#entries) if (entry.nodeId === nodeId) this.#entries.delete(key);
  }

  current(): HoldOff[] {
    return this.#active().map(({ nodeId, jobId, reason }) => ({ nodeId, jobId, reason }));
  }

  /** When the next one ends, in monotonic milliseconds; null when there is none. */
  nextEndMs(): number | null {
    const ends = this.#active().map(({ untilMs }) => untilMs);
    return ends.length === 0 ? null : Math.min(...ends);
  }

  #active(): Entry[] {
    const nowMs = this.#clock.monotonicMs();
    // One that ended long ago was no row of refusals.
    for (const [key, { untilMs }] of this.#entries) if (untilMs + LONGEST_MS <= nowMs) this.#entries.delete(key);
    return [...this.#entries.values()].filter(({ untilMs }) => untilMs > nowMs);
  }
}
