/** Where the viewers of one stream are. Pure: time is passed in. */

export type RenditionKind = 'video' | 'audio';

/**
 * One place that somebody watches: it follows the requests of one viewer for one rendition.
 *
 *   (request elsewhere) ──▶ watched ──the same viewer asks elsewhere──▶ superseded ──5 s──▶ (gone)
 *                             ▲  └──────no request for 30 s──▶ (gone)      │
 *                             └──────────asks here again (a second player)─┘
 */
export interface Place {
  readonly viewer: string;
  readonly kind: RenditionKind;
  readonly renditionId: string;
  /** The last segment asked for. */
  n: number;
  /** Requests that went on from the one before: a player that reads on, and no look at one segment. */
  streak: number;
  atMs: number;
  supersededMs: number | null;
}

/** A request of the same viewer is the next step from a place when it is this near. */
const BEHIND = 3;
const AHEAD = 4;
/** Sound further away than this from where the same viewer looks belongs to the place they left. */
const TOGETHER = 20;
const SUPERSEDED_MS = 5_000;
const IDLE_MS = 30_000;
/** Requests that alternate between two places come from two players of one person: both stay. */
const SEVERAL_PLAYERS_MS = 60_000;
const JUMPS_MS = 2_000;

interface Viewer {
  severalUntilMs: number;
  jumps: { kind: RenditionKind; atMs: number }[];
}

export interface Step {
  readonly place: Place;
  /** Nothing of what is asked for now is in the player's hands. */
  readonly isJump: boolean;
  /** Jumps of this viewer in the last two seconds, this one included, of pictures or of sound. */
  readonly recentJumps: number;
}

export class Viewing {
  readonly #places = new Set<Place>();
  readonly #viewers = new Map<string, Viewer>();
  /** Viewers and when they asked last. */
  readonly #seen = new Map<string, number>();

  get places(): readonly Place[] {
    return [...this.#places];
  }

  /** Distinct viewers that asked for something lately. */
  viewerCount(nowMs: number, withinMs = IDLE_MS): number {
    return [...this.#seen.values()].filter((atMs) => nowMs - atMs < withinMs).length;
  }

  /** A viewer asks for segment `n`. */
  ask(viewer: string, kind: RenditionKind, renditionId: string, n: number, nowMs: number): Step {
    this.#seen.set(viewer, nowMs);
    const mine = [...this.#places].filter((place) => place.viewer === viewer);
    const known = mine.find((place) => place.renditionId === renditionId && n >= place.n - BEHIND && n <= place.n + AHEAD);
    const state = this.#viewer(viewer);
    if (known) {
      if (known.supersededMs !== null) state.severalUntilMs = nowMs + SEVERAL_PLAYERS_MS;
      known.supersededMs = null;
      if (n > known.n) known.streak += 1;
      known.n = n;
      known.atMs = nowMs;
      return { place: known, isJump: false, recentJumps: jumpsOf(state, kind, nowMs) };
    }
    const switched = mine.find((place) => place.kind === kind && place.renditionId !== renditionId && place.supersededMs === null && Math.abs(n - place.n) <= TOGETHER);
    const place: Place = { viewer, kind, renditionId, n, streak: switched?.streak ?? 0, atMs: nowMs, supersededMs: null };
    if (state.severalUntilMs <= nowMs) {
      for (const other of mine) if (other.kind === kind || Math.abs(other.n - n) > TOGETHER) other.supersededMs ??= nowMs;
    }
    this.#places.add(place);
    const isJump = switched === undefined;
    if (isJump) state.jumps.push({ kind, atMs: nowMs });
    return { place, isJump, recentJumps: jumpsOf(state, kind, nowMs) };
  }

  /** Where a viewer probably goes on who asks for the init segment of a rendition: where they are, else at the start. */
  guess(viewer: string, kind: RenditionKind): number {
    const mine = [...this.#places].filter((place) => place.viewer === viewer && place.supersededMs === null).toSorted((a, b) => b.atMs - a.atMs);
    const same = mine.find((place) => place.kind === kind);
    return same === undefined ? (mine[0]?.n ?? 0) : same.n + 1;
  }

  /** Forgets places that nobody watches any more. */
  prune(nowMs: number): void {
    for (const place of this.#places) {
      if (nowMs - place.atMs >= IDLE_MS || (place.supersededMs !== null && nowMs - place.supersededMs >= SUPERSEDED_MS)) this.#places.delete(place);
    }
    for (const [viewer, atMs] of this.#seen) {
      if (nowMs - atMs < SEVERAL_PLAYERS_MS) continue;
      this.#seen.delete(viewer);
      this.#viewers.delete(viewer);
    }
  }

  #viewer(viewer: string): Viewer {
    const known = this.#viewers.get(viewer);
    if (known) return known;
    const made: Viewer = { severalUntilMs: 0, jumps: [] };
    this.#viewers.set(viewer, made);
    return made;
  }
}

function jumpsOf(viewer: Viewer, kind: RenditionKind, nowMs: number): number {
  viewer.jumps = viewer.jumps.filter(({ atMs }) => nowMs - atMs < JUMPS_MS);
  return viewer.jumps.filter((jump) => jump.kind === kind).length;
}
