/** Who uses one file through this gateway. Pure: time is passed in. */
import type { ReadCounts } from '@reelay/store';

const KINDS = ['stream', 'download', 'session'] as const;
export type ReadKind = (typeof KINDS)[number];
/** Of more viewers only the number is told: the rest of them is known to this gateway alone. */
const MOST_DIGESTS = 500;

const keyOf = (digest: string, kind: ReadKind): string => `${kind} ${digest}`;

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
  #open = 0;
  /** When the last one of those who have left can be forgotten. */
  #lingerUntilMs = 0;

  constructor(lingerMs: Readonly<Record<ReadKind, number>>) {
    this.#lingerMs = lingerMs;
  }

  enter(digest: string, kind: ReadKind, nowMs: number): void {
    const key = keyOf(digest, kind);
    const viewer = this.#viewers.get(key) ?? { digest, kind, open: 0, lastMs: nowMs, hasRead: false };
    viewer.open += 1;
    viewer.lastMs = nowMs;
    this.#viewers.set(key, viewer);
    this.#open += 1;
  }

  /** Ends one request of a viewer; one that got nothing of the file makes nobody stay. */
  leave(digest: string, kind: ReadKind, nowMs: number, failed = false): void {
    const key = keyOf(digest, kind);
    const viewer = this.#viewers.get(key);
    if (viewer === undefined || viewer.open === 0) return;
    viewer.open -= 1;
    this.#open -= 1;
    if (!failed) {
      viewer.lastMs = nowMs;
      viewer.hasRead = true;
      this.#lingerUntilMs = Math.max(this.#lingerUntilMs, nowMs + this.#lingerMs[kind]);
    } else if (viewer.open === 0 && !viewer.hasRead) this.#viewers.delete(key);
  }

  isKnown(digest: string, nowMs: number): boolean {
    return KINDS.some((kind) => {
      const viewer = this.#viewers.get(keyOf(digest, kind));
      return viewer !== undefined && this.#isHere(viewer, nowMs);
    });
  }

  /** What the lock's row says, with a newcomer counted in. Forgets those who have gone. */
  counts(nowMs: number, newcomer?: { digest: string; kind: ReadKind }): ReadCounts {
    for (const [key, viewer] of this.#viewers) if (!this.#isHere(viewer, nowMs)) this.#viewers.delete(key);
    const here = [...this.#viewers.values()];
    const isNew = newcomer !== undefined && !this.#viewers.has(keyOf(newcomer.digest, newcomer.kind));
    const all = isNew ? [...here, newcomer] : here;
    const count = (kind: ReadKind): number => all.filter((viewer) => viewer.kind === kind).length;
    const digests = [...new Set(all.map(({ digest }) => digest))].slice(-MOST_DIGESTS).toSorted();
    return { viewers: digests, streams: count('stream'), downloads: count('download'), sessions: count('session') };
  }

  /** How long until the last one has left, if nobody comes back: 0 = nobody is here, null = somebody is reading. */
  idleInMs(nowMs: number): number | null {
    return this.#open > 0 ? null : Math.max(0, this.#lingerUntilMs - nowMs);
  }

  clear(): void {
    this.#viewers.clear();
    this.#open = 0;
    this.#lingerUntilMs = 0;
  }

  #isHere({ open, lastMs, kind }: Viewer, nowMs: number): boolean {
    return open > 0 || lastMs + this.#lingerMs[kind] > nowMs;
  }
}
