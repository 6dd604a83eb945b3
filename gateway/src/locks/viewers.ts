/** Who uses one file through this gateway. Pure: time is passed in. */
import type { ReadCounts } from '@reelay/store';

export type ReadKind = 'stream' | 'download' | 'session';

interface Viewer {
  digest: string;
  kind: ReadKind;
  /** Requests being answered right now. */
  open: number;
  lastMs: number;
  hasRead: boolean;
}

/**
 * Players have no connection between two segments, so a viewer stays for a while after their last request:
 *
 *   (unknown) ──enter──▶ reading ──leave──▶ lingering ──enter──▶ reading      lingering ──time over──▶ (unknown)
 */
export class Viewers {
  readonly #viewers = new Map<string, Viewer>();
  readonly #lingerMs: Readonly<Record<ReadKind, number>>;

  constructor(lingerMs: Readonly<Record<ReadKind, number>>) {
    this.#lingerMs = lingerMs;
  }

  enter(digest: string, kind: ReadKind, nowMs: number): void {
    const key = `${kind} ${digest}`;
    const viewer = this.#viewers.get(key) ?? { digest, kind, open: 0, lastMs: nowMs, hasRead: false };
    viewer.open += 1;
    viewer.lastMs = nowMs;
    this.#viewers.set(key, viewer);
  }

  /** Ends one request of a viewer; one that got nothing of the file makes nobody stay. */
  leave(digest: string, kind: ReadKind, nowMs: number, failed = false): void {
    const key = `${kind} ${digest}`;
    const viewer = this.#viewers.get(key);
    if (viewer === undefined) return;
    viewer.open = Math.max(0, viewer.open - 1);
    if (!failed) {
      viewer.lastMs = nowMs;
      viewer.hasRead = true;
    } else if (viewer.open === 0 && !viewer.hasRead) this.#viewers.delete(key);
  }

  isKnown(digest: string, nowMs: number): boolean {
    return this.#here(nowMs).some((viewer) => viewer.digest === digest);
  }

  /** What the lock's row says, with a newcomer counted in. */
  counts(nowMs: number, newcomer?: { digest: string; kind: ReadKind }): ReadCounts {
    const keys = new Map(this.#here(nowMs).map(({ digest, kind }) => [`${kind} ${digest}`, { digest, kind }]));
    if (newcomer !== undefined) keys.set(`${newcomer.kind} ${newcomer.digest}`, newcomer);
    const all = [...keys.values()];
    const count = (kind: ReadKind): number => all.filter((viewer) => viewer.kind === kind).length;
    return { viewers: [...new Set(all.map(({ digest }) => digest))].toSorted(), streams: count('stream'), downloads: count('download'), sessions: count('session') };
  }

  /** How long until the last one has left, if nobody comes back: 0 = nobody is here, null = somebody is reading. */
  idleInMs(nowMs: number): number | null {
    const here = this.#here(nowMs);
    if (here.some(({ open }) => open > 0)) return null;
    return here.reduce((longest, { kind, lastMs }) => Math.max(longest, lastMs + this.#lingerMs[kind] - nowMs), 0);
  }

  clear(): void {
    this.#viewers.clear();
  }

  /** Those who are here; forgets the others. */
  #here(nowMs: number): Viewer[] {
    for (const [key, { open, lastMs, kind }] of this.#viewers) if (open === 0 && lastMs + this.#lingerMs[kind] <= nowMs) this.#viewers.delete(key);
    return [...this.#viewers.values()];
  }
}
