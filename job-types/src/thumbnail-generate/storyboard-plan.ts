import type { StoryboardPlan } from './result.ts';

/** Pictures stand this far apart, unless that gives too few or too many. */
const INTERVAL_SECONDS = 10;
const FEWEST = 10;
const MOST = 240;
const SHORTEST_INTERVAL_SECONDS = 0.5;
/** Up to here every picture is decoded, for a short clip may have one keyframe; beyond it keyframes alone are near enough. */
const DECODED_WHOLE_SECONDS = 40;
const PER_ROW = 10;
const PER_SHEET = 100;
const TILE_WIDTH = 160;

/** How many small pictures a video gets, and how they lie on sheets; null when its length is not known. */
export function planStoryboard(durationSeconds: number | null): StoryboardPlan | null {
  if (durationSeconds === null || !(durationSeconds > 0)) return null;
  const wanted = Math.max(SHORTEST_INTERVAL_SECONDS, Math.min(INTERVAL_SECONDS, durationSeconds / FEWEST), durationSeconds / MOST);
  const intervalSeconds = Math.round(wanted * 1000) / 1000;
  const pictures = Math.min(MOST, Math.max(1, Math.ceil(durationSeconds / intervalSeconds - 1e-6)));
  const columns = Math.min(PER_ROW, pictures);
  return {
    intervalSeconds, pictures, columns, rows: Math.min(PER_SHEET / PER_ROW, Math.ceil(pictures / columns)), tileWidth: TILE_WIDTH,
    keyframesOnly: durationSeconds > DECODED_WHOLE_SECONDS,
  };
}
