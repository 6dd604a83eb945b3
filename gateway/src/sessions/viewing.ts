/** Where the viewers of one stream are. Pure: time is passed in. */

export type RenditionKind = 'video' | 'audio';

/**
 * One place that somebody watches: it follows the requests of one viewer for one rendition.
 *
 *   (request elsewhere) ──▶ watched ──the same viewer asks elsewhere──▶ superseded ──5 s──▶ (gone)
 *                             ▲  └──────no request for 30 s──▶ (gone)      │
 *                             └──────────asks here again (a second player)─┘
 *
 * Whoever drags a seek bar to and fro is no second player: a place they come back to meanwhile is a new one.
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
/** Requests of whoever says that they left end within this time. */
const LEAVING_MS = 1_000;
const JUMPS_MS = 2_000;
/** Fewer jumps than this in that time are seeks; more are a seek bar being dragged, and only where it stops counts. */
const DRAGGING = 3;
/** A seek bar that rests so long is let go of. */
const SETTLED_MS = 250;

interface Viewer {
  severalUntilMs: number;
  jumps: { kind: RenditionKind; atMs: number }[];
}

export interface Step {
  readonly place: Place;
  /** The player has nothing of the place that it asks for. */
  readonly isJump: boolean;
  /** One of many jumps in a short time: the viewer probably asks for something else right away. */
  readonly isDrag: boolean;
  /** Before this time nothing should be started for it. */
  readonly notBeforeMs: number;
}

export class Viewing {
  readonly #places = new Set<Place>();
  readonly #viewers = new Map<string, Viewer>();
  /** Viewers and when they asked last. */
  readonly #seen = new Map<string, number>();
  #leftMs = -Infinity;

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
    const mine = [...this.#places].filter((place) => place.viewer === viewer && place.kind === kind);
    const state = this.#viewer(viewer);
    const near = mine.find((place) => place.renditionId === renditionId && n >= place.n - BEHIND && n <= place.n + AHEAD);
    const switched = switchedFrom(mine, renditionId, n);
    if (near !== undefined && (jumpsOf(state, kind, nowMs) < DRAGGING || near === latestOf(mine))) {
      if (near.supersededMs !== null) {
        if (switched !== undefined && n > switched.n) {
          near.streak = Math.max(near.streak, switched.streak);
          this.#onlyAt(viewer, near, nowMs);
        } else state.severalUntilMs = nowMs + SEVERAL_PLAYERS_MS;
      }
      near.supersededMs = null;
      if (n > near.n) near.streak += 1;
      near.n = n;
      near.atMs = nowMs;
      return { place: near, isJump: false, isDrag: false, notBeforeMs: nowMs };
    }
    if (near) this.#places.delete(near);
    const place: Place = { viewer, kind, renditionId, n, streak: switched?.streak ?? 0, atMs: nowMs, supersededMs: null };
    if (state.severalUntilMs <= nowMs) this.#onlyAt(viewer, place, nowMs);
    this.#places.add(place);
    const isJump = switched === undefined;
    if (isJump) state.jumps.push({ kind, atMs: nowMs });
    const isDrag = isJump && jumpsOf(state, kind, nowMs) >= DRAGGING;
    return { place, isJump, isDrag, notBeforeMs: isDrag ? nowMs + SETTLED_MS : nowMs };
  }

  /** Where a viewer probably goes on who asks for the init segment of a rendition: where they are, else at the start. */
  guess(viewer: string, kind: RenditionKind): number {
    const mine = [...this.#places].filter((place) => place.viewer === viewer && place.supersededMs === null).toSorted((a, b) => b.atMs - a.atMs);
    const same = mine.find((place) => place.kind === kind);
    return same === undefined ? (mine[0]?.n ?? 0) : same.n + 1;
  }

  /** The sound that a viewer listened to last. */
  soundOf(viewer: string): string | undefined {
    return latestOf([...this.#places].filter((place) => place.viewer === viewer && place.kind === 'audio'))?.renditionId;
  }

  /** A viewer says that they play nothing of it any more. */
  leave(viewer: string, nowMs: number): void {
    this.#leftMs = nowMs;
    for (const place of this.#places) if (place.viewer === viewer) this.#places.delete(place);
    this.#seen.delete(viewer);
    this.#viewers.delete(viewer);
  }

  /** Somebody left just now: requests of theirs may end a little later. */
  isLeaving(nowMs: number): boolean {
    return nowMs - this.#leftMs < LEAVING_MS;
  }

  /** Somebody said to be gone, and nobody else was here in the last minute. */
  get allLeft(): boolean {
    return this.#leftMs > -Infinity && this.#seen.size === 0;
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

  /** The viewer is at `place` now, and nowhere else. */
  #onlyAt(viewer: string, { kind, n }: Place, nowMs: number): void {
    for (const other of this.#places) {
      if (other.viewer === viewer && (other.kind === kind || Math.abs(other.n - n) > TOGETHER)) other.supersededMs ??= nowMs;
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

function latestOf(places: readonly Place[]): Place | undefined {
  return places.reduce<Place | undefined>((latest, place) => (latest === undefined || place.atMs >= latest.atMs ? place : latest), undefined);
}

/** The place in another quality that goes on at `n`; none for who moved about in this quality since. */
function switchedFrom(places: readonly Place[], renditionId: string, n: number): Place | undefined {
  const together = places.filter((place) => Math.abs(n - place.n) <= TOGETHER);
  const from = latestOf(together.filter((place) => place.renditionId !== renditionId && place.supersededMs === null));
  return from !== undefined && together.some((place) => place.renditionId === renditionId && place.atMs > from.atMs) ? undefined : from;
}
