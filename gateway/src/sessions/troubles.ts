import type { Trouble } from './head-plan.ts';

interface Entry extends Trouble {
  count: number;
  detail: string;
  lastMs: number;
  /** Until then nothing is tried, and whoever asks hears why; null while there is still something to try. */
  failedUntilMs: number | null;
  /** Another node is looked for. */
  moving: boolean;
}

/** The same place: a head that fails, fails where it began or a little later. */
const NEAR = 2;
const FORGET_MS = 30_000;
/** So long the error is the answer; then somebody may try again. */
const FAILED_MS = 10_000;

/**
 * What went wrong where.
 *
 *   fails ──▶ once: again on the same node ──fails──▶ twice: on another node ──fails, or there is none──▶ failed for 10 s ──▶ forgotten
 */
export class Troubles {
  #entries: Entry[] = [];

  /** A head failed at segment `n`. Says what to do. */
  failed(renditionId: string, n: number, detail: string, nowMs: number): 'again' | 'move' | 'give up' {
    let entry = this.#near(renditionId, n);
    if (!entry) {
      entry = { renditionId, n, count: 0, detail, lastMs: nowMs, failedUntilMs: null, moving: false };
      this.#entries.push(entry);
    }
    entry.count += 1;
    entry.detail = detail;
    entry.lastMs = nowMs;
    if (entry.count === 1) return 'again';
    entry.moving = entry.count === 2;
    return entry.moving ? 'move' : 'give up';
  }

  /** The search for another node is over. */
  moved(): void {
    for (const entry of this.#entries) entry.moving = false;
  }

  /** Nothing more can be tried there for now. */
  giveUp(renditionId: string, n: number, nowMs: number): void {
    const entry = this.#near(renditionId, n);
    if (!entry) return;
    entry.moving = false;
    entry.failedUntilMs = nowMs + FAILED_MS;
  }

  /** Why nobody gets segment `n` now; null when it is tried. */
  reasonFor(renditionId: string, n: number, nowMs: number): string | null {
    const entry = this.#near(renditionId, n);
    return entry?.failedUntilMs !== null && entry !== undefined && entry.failedUntilMs > nowMs ? entry.detail : null;
  }

  /** Where no head is to be started now. */
  blocked(nowMs: number): Trouble[] {
    this.#entries = this.#entries.filter(({ lastMs, failedUntilMs }) => (failedUntilMs === null ? nowMs - lastMs < FORGET_MS : nowMs < failedUntilMs));
    return this.#entries.filter(({ moving, failedUntilMs }) => moving || failedUntilMs !== null).map(({ renditionId, n }) => ({ renditionId, n }));
  }

  get lastDetail(): string | null {
    return this.#entries.toSorted((a, b) => b.lastMs - a.lastMs)[0]?.detail ?? null;
  }

  #near(renditionId: string, n: number): Entry | undefined {
    return this.#entries.find((entry) => entry.renditionId === renditionId && Math.abs(entry.n - n) <= NEAR);
  }
}
