/**
 * How high Auto may go when the segments are encoded while somebody watches. Bandwidth alone says nothing then: a rung
 * may be too much for the encoder on the best of connections. So Auto begins low, for a quick first picture, and climbs as
 * far as the time that segments took to come promises; what turned out too slow is left alone for a while. Pure.
 *
 *   segment in time, enough in the buffer ──▶ highest rung that should come in time too
 *   segment later than it plays, or a stall ──▶ one rung down, and not up again for a minute, then two, then four …
 */
export interface Rung {
  readonly width: number;
  readonly height: number;
}

export interface Climb {
  /** Highest rung that Auto may take, counted from the lowest. */
  readonly cap: number;
  /** Rungs that were too slow: how often, and until when they are left alone. */
  readonly slow: ReadonlyMap<number, { readonly times: number; readonly untilMs: number }>;
}

export interface Loaded {
  readonly rung: number;
  readonly loadMs: number;
  readonly durationSeconds: number;
  readonly bufferSeconds: number;
  /** The first after a jump or a switch waits for an encoder to start, which says nothing of its speed. */
  readonly isFirst: boolean;
  readonly nowMs: number;
}

const ENOUGH_BUFFER_SECONDS = 6;
const LOW_BUFFER_SECONDS = 8;
/** Share of its duration that a segment may take. */
const IN_TIME = 0.7;
const REST_MS = 60_000;
const MOST_DOUBLINGS = 4;

export const climbFrom = (cap: number): Climb => ({ cap, slow: new Map() });

const pixels = ({ width, height }: Rung): number => Math.max(1, width * height);

export function afterSegment(climb: Climb, rungs: readonly Rung[], { rung, loadMs, durationSeconds, bufferSeconds, isFirst, nowMs }: Loaded): Climb {
  const here = rungs[rung];
  if (here === undefined || isFirst) return climb;
  const share = loadMs / 1000 / Math.max(0.1, durationSeconds);
  if (share > 1 && bufferSeconds < LOW_BUFFER_SECONDS) return tooSlow(climb, rung, nowMs);
  if (bufferSeconds < ENOUGH_BUFFER_SECONDS) return climb;
  const promised = rungs.findLastIndex((candidate, index) => index > rung && (climb.slow.get(index)?.untilMs ?? 0) <= nowMs && share * (pixels(candidate) / pixels(here)) <= IN_TIME);
  return promised > climb.cap ? { ...climb, cap: promised } : climb;
}

/** The lowest rung is never too slow: there is nothing below it. */
export function tooSlow(climb: Climb, rung: number, nowMs: number): Climb {
  if (rung <= 0) return climb;
  const times = Math.min(MOST_DOUBLINGS, (climb.slow.get(rung)?.times ?? 0) + 1);
  return { cap: Math.min(climb.cap, rung - 1), slow: new Map([...climb.slow, [rung, { times, untilMs: nowMs + REST_MS * 2 ** (times - 1) }]]) };
}

/** The lowest rung that is as large as the place it is shown in; the highest when none is. */
export function rungForSize(rungs: readonly Rung[], width: number, height: number): number {
  const found = rungs.findIndex((rung) => rung.width >= width || rung.height >= height);
  return found < 0 ? rungs.length - 1 : found;
}
