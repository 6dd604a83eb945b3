/**
 * Which heads a stream needs: what to start, what to drop, how far each may go. Pure: no I/O, no clock, no randomness.
 *
 *   on hold: a request for segment n ──a head makes n within the patience──▶ waits for it
 *                                     └──else──▶ a new head at n, unless the viewer is still seeking or all places are taken
 *   watched: a place that somebody reads on from ──▶ its head may go some segments further; without one, and with the
 *            next segments missing, a head is started before anybody has to wait
 *   all places for heads taken ──▶ the one furthest ahead of its viewers makes way
 *   a head that neither holds ──▶ dropped: at once when another is started or somebody has nothing to show, else after a short while
 */
import type { Place } from './viewing.ts';

/** A request that waits for a segment, or for the init segment of a rendition that is then made at `n`. */
export interface Want {
  readonly renditionId: string;
  readonly n: number;
  readonly isInit: boolean;
  readonly sinceMs: number;
  readonly place: Place;
  /** The player has nothing to show. */
  readonly urgent: boolean;
  /** Not before this time is anything started for it: whoever drags a seek bar asks for something else by then. */
  readonly notBeforeMs: number;
}

export interface HeadState {
  readonly id: string;
  readonly renditionId: string;
  readonly from: number;
  /** The segment that it makes now. */
  readonly next: number;
  /** Measured time for one segment; null until two have come. */
  readonly segmentMs: number | null;
  readonly startedMs: number;
  /** Since when nobody wants what it makes; null while somebody does. */
  readonly unwantedSinceMs: number | null;
}

/** Encoding failed here: nothing is started for a while. */
export interface Trouble {
  readonly renditionId: string;
  readonly n: number;
}

export interface PlanQuestion {
  readonly nowMs: number;
  readonly wants: readonly Want[];
  readonly places: readonly Place[];
  readonly heads: readonly HeadState[];
  readonly troubles: readonly Trouble[];
  /** Heads that nobody wants go at once. */
  readonly isHurried: boolean;
  /** Segments of a rendition. */
  readonly count: (renditionId: string) => number;
  readonly has: (renditionId: string, n: number) => boolean;
}

export interface Start {
  readonly renditionId: string;
  readonly n: number;
  readonly until: number;
  readonly urgent: boolean;
}

export interface HeadPlan {
  readonly starts: readonly Start[];
  readonly drops: readonly { readonly headId: string; readonly reason: string }[];
  /** The first segment that each wanted head may not make yet. */
  readonly until: ReadonlyMap<string, number>;
  /** Look again after so long, even when nothing happens. */
  readonly againInMs: number | null;
}

export const LIMITS = { headsPerRendition: 6, headsPerSession: 16 } as const;
/** A new head makes its first segment about so much later than one that runs. */
const START_COST_MS = 1_250;
/** How far ahead of an unmeasured head one waits, and of any. */
const NEAR_UNMEASURED = 3;
const NEAR_LEAST = 2;
/** Half a minute of two-second segments for whoever reads on; a first look gets less. */
const AHEAD = 15;
const AHEAD_FIRST = 4;
const AHEAD_STEP = 4;
/** A head this far past what a place may have is still that viewer's, who went back a little. */
const STILL_WANTED = 8;
/** A place whose viewer asked within this time plays on and must not run dry. */
const ACTIVE_MS = 10_000;
const DRY_WITHIN = 4;
const UNWANTED_MS = 2_000;
/** Segments in a row that are there already: the head that comes to them is of no use. */
const MADE_ALREADY = 8;
/** One request superseded by a seek and still not withdrawn waits a little longer. */
const SUPERSEDED_WAIT_MS = 700;

/** How many segments past its next one a head is worth waiting for. */
export function reachOf({ segmentMs }: Pick<HeadState, 'segmentMs'>): number {
  return segmentMs === null ? NEAR_UNMEASURED : Math.min(AHEAD, Math.max(NEAR_LEAST, Math.floor(START_COST_MS / Math.max(1, segmentMs))));
}

/** The head that makes segment `n` soon, if any: the one nearest to it. */
export function coveringHead<T extends Pick<HeadState, 'renditionId' | 'next' | 'segmentMs'>>(heads: readonly T[], renditionId: string, n: number): T | undefined {
  return heads.filter((head) => head.renditionId === renditionId && head.next <= n && n - head.next <= reachOf(head)).toSorted((a, b) => b.next - a.next)[0];
}

/** How far past the last request of a place its head may go. */
function aheadOf({ streak }: Place): number {
  return Math.min(AHEAD, AHEAD_FIRST + streak * AHEAD_STEP);
}

/** Decides. The same question has the same answer. */
export function planHeads(question: PlanQuestion): HeadPlan {
  const demand = new Demand(question);
  demand.assignWants();
  demand.assignPlaces();
  const starts = demand.chooseStarts();
  return { starts, drops: demand.chooseDrops(starts), until: demand.until, againInMs: demand.againInMs };
}

interface Candidate {
  renditionId: string;
  n: number;
  last: number;
  urgent: boolean;
  /** Newer ones first; what was superseded last of all, oldest first. */
  rank: number;
}

class Demand {
  readonly until = new Map<string, number>();
  againInMs: number | null = null;
  readonly #question: PlanQuestion;
  readonly #candidates: Candidate[] = [];
  /** Heads that somebody is on hold for. */
  readonly #held = new Set<string>();
  /** How many segments each head is ahead of the viewer who is nearest to it. */
  readonly #lead = new Map<string, number>();
  readonly #madeWay = new Set<string>();

  constructor(question: PlanQuestion) {
    this.#question = question;
  }

  assignWants(): void {
    const { wants, heads, nowMs } = this.#question;
    for (const want of wants) {
      const { renditionId, n, isInit, place } = want;
      const head = isInit ? this.#newest(renditionId) : coveringHead(heads, renditionId, n);
      if (head) {
        this.#held.add(head.id);
        this.#allow(head.id, (isInit ? head.next : n) + 1);
        continue;
      }
      const startMs = Math.max(want.notBeforeMs, place.supersededMs === null ? 0 : place.supersededMs + SUPERSEDED_WAIT_MS);
      if (startMs > nowMs) this.#lookAgainIn(startMs - nowMs);
      else this.#propose({ renditionId, n, last: n + aheadOf(place), urgent: want.urgent, rank: place.supersededMs === null ? want.sinceMs : -want.sinceMs - 1 });
    }
  }

  assignPlaces(): void {
    const { places, heads, nowMs } = this.#question;
    for (const place of places) {
      if (place.supersededMs !== null) continue;
      const last = place.n + aheadOf(place);
      const missing = this.#firstMissing(place.renditionId, place.n, last + STILL_WANTED);
      if (missing === null) continue;
      const head = coveringHead(heads, place.renditionId, missing);
      // Also one that has made all it may: it waits there for the viewer.
      if (head) {
        this.#allow(head.id, last + 1);
        this.#lead.set(head.id, Math.min(head.next - place.n, this.#lead.get(head.id) ?? Infinity));
      } else if (place.streak > 0 && missing > place.n && missing <= place.n + DRY_WITHIN && nowMs - place.atMs < ACTIVE_MS) {
        this.#propose({ renditionId: place.renditionId, n: missing, last, urgent: false, rank: place.atMs });
      }
    }
  }

  chooseStarts(): Start[] {
    const { troubles, count } = this.#question;
    const starts: Start[] = [];
    for (const { renditionId, n, last, urgent } of this.#joined().toSorted((a, b) => b.rank - a.rank)) {
      if (troubles.some((trouble) => trouble.renditionId === renditionId && Math.abs(trouble.n - n) <= NEAR_LEAST)) continue;
      if (this.#hasRoom(renditionId, starts)) starts.push({ renditionId, n, until: Math.min(last + 1, count(renditionId)), urgent });
    }
    return starts;
  }

  /** Whether one more head may start; one that is well ahead of its viewers makes way. Else who waits goes on waiting. */
  #hasRoom(renditionId: string, starts: readonly Start[]): boolean {
    const wanted = this.#question.heads.filter(({ id }) => this.until.has(id));
    const isFull = wanted.length + starts.length >= LIMITS.headsPerSession;
    const alike = wanted.filter((head) => head.renditionId === renditionId);
    if (!isFull && alike.length + starts.filter((start) => start.renditionId === renditionId).length < LIMITS.headsPerRendition) return true;
    const [victim] = (isFull ? wanted : alike).filter(({ id }) => !this.#held.has(id) && this.#leadOf(id) > DRY_WITHIN).toSorted((a, b) => this.#leadOf(b.id) - this.#leadOf(a.id));
    if (victim === undefined) return false;
    this.until.delete(victim.id);
    this.#madeWay.add(victim.id);
    return true;
  }

  #leadOf(headId: string): number {
    return this.#lead.get(headId) ?? 0;
  }

  chooseDrops(starts: readonly Start[]): HeadPlan['drops'] {
    const { heads, wants, isHurried: isTold, nowMs } = this.#question;
    // Whoever has nothing to show needs the processor now, also when the request for the old place ends after the new one began.
    const isHurried = isTold || starts.length > 0 || wants.some(({ urgent }) => urgent);
    return heads.flatMap((head) => {
      if (!this.#held.has(head.id) && this.#isMadeAlready(head)) return [{ headId: head.id, reason: 'the rest is there already' }];
      if (this.until.has(head.id)) return [];
      if (this.#madeWay.has(head.id)) return [{ headId: head.id, reason: 'made way for a viewer who waits' }];
      const unwantedMs = nowMs - (head.unwantedSinceMs ?? nowMs);
      if (isHurried || unwantedMs >= UNWANTED_MS) return [{ headId: head.id, reason: isTold ? 'its viewer left' : 'superseded by seek' }];
      this.#lookAgainIn(UNWANTED_MS - unwantedMs);
      return [];
    });
  }

  #propose(candidate: Candidate): void {
    this.#candidates.push(candidate);
  }

  /** One head for segments that lie together. */
  #joined(): Candidate[] {
    const joined: Candidate[] = [];
    for (const candidate of this.#candidates.toSorted((a, b) => a.n - b.n)) {
      const near = joined.find((other) => other.renditionId === candidate.renditionId && candidate.n - other.n <= NEAR_UNMEASURED);
      if (!near) {
        joined.push({ ...candidate });
        continue;
      }
      near.last = Math.max(near.last, candidate.last);
      near.urgent ||= candidate.urgent;
      near.rank = Math.max(near.rank, candidate.rank);
    }
    return joined;
  }

  #newest(renditionId: string): HeadState | undefined {
    return this.#question.heads.filter((head) => head.renditionId === renditionId).toSorted((a, b) => b.startedMs - a.startedMs)[0];
  }

  #firstMissing(renditionId: string, from: number, last: number): number | null {
    const { has, count } = this.#question;
    for (let n = from; n <= Math.min(last, count(renditionId) - 1); n += 1) if (!has(renditionId, n)) return n;
    return null;
  }

  #isMadeAlready({ renditionId, next }: HeadState): boolean {
    const end = this.#question.count(renditionId);
    return next < end && this.#firstMissing(renditionId, next, next + MADE_ALREADY - 1) === null;
  }

  #allow(headId: string, until: number): void {
    this.until.set(headId, Math.max(until, this.until.get(headId) ?? 0));
  }

  #lookAgainIn(ms: number): void {
    this.againInMs = this.againInMs === null ? ms : Math.min(ms, this.againInMs);
  }
}
