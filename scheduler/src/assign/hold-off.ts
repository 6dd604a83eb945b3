import type { Clock } from '@reelay/runtime';
import type { HoldOff } from '../placement/types.ts';

/** Offers that were refused a moment ago, so that a refusal never turns into a tight loop. */
export class HoldOffs {
  readonly #clock: Clock;
  readonly #entries = new Map<string, HoldOff & { untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `jobId` null: the whole node. */
  add(nodeId: string, jobId: string | null, reason: string, forMs: number): void {
    this.#entries.set(`${nodeId} ${jobId ?? '*'}`, { nodeId, jobId, reason, untilMs: this.#clock.monotonicMs() + forMs });
  }

  /** The node said hello: what it refused before counts no more. */
  forget(nodeId: string): void {
    for (const [key, entry] of this.#entries) if (entry.nodeId === nodeId) this.#entries.delete(key);
  }

  current(): HoldOff[] {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, entry] of this.#entries) if (entry.untilMs <= nowMs) this.#entries.delete(key);
    return [...this.#entries.values()].map(({ nodeId, jobId, reason }) => ({ nodeId, jobId, reason }));
  }

  /** When the next one ends, in monotonic milliseconds; null when there is none. */
  nextEndMs(): number | null {
    const ends = [...this.#entries.values()].map(({ untilMs }) => untilMs);
    return ends.length === 0 ? null : Math.min(...ends);
  }
}
