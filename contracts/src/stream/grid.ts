import type { Rational } from '../media/media-info.ts';

/**
 * Where an encoded stream is cut. Both grids start at 0 = the source's first picture (without video: its first sound),
 * and are exact integers: a playlist made of them matches what any run of the encoder cuts.
 *
 *   video  |<- gopFrames ->|<- gopFrames ->|<- … ->|          ticks = frame · frameTicks
 *   audio  |  whole AAC frames nearest to the same time  |    ticks = samples
 */
export interface VideoGrid {
  /** Constant; a source of variable rate is made constant. */
  readonly frameRate: Rational;
  /** Pictures a segment. */
  readonly gopFrames: number;
  /** Pictures in all; at least 1. */
  readonly frames: number;
  /** Ticks a second of the rendition, and ticks a picture. */
  readonly timescale: number;
  readonly frameTicks: number;
}

export interface AudioGrid {
  /** Hz; also the timescale. */
  readonly sampleRate: number;
  /** Samples per AAC frame. */
  readonly frameSamples: number;
  /** AAC frames in all; at least 1. */
  readonly frames: number;
  /** Seconds a segment of the video, exactly: the sound is cut nearest to the same times. */
  readonly segment: Rational;
}

/** Part of a grid: units (pictures or AAC frames) [first, end). */
export interface GridSegment {
  readonly first: number;
  readonly end: number;
  readonly startTicks: number;
  readonly durationTicks: number;
  readonly durationSeconds: number;
}

const SMALLEST_TIMESCALE = 10_000;
const AAC_FRAME_SAMPLES = 1_024;
/** A last segment shorter than this share of a whole one is joined to the one before. */
const SHORTEST_LAST = 0.25;

/** @throws RangeError for a frame rate or length that is not positive */
export function videoGrid(options: { frameRate: Rational; durationSeconds: number; targetSeconds: number }): VideoGrid {
  const { frameRate, durationSeconds, targetSeconds } = options;
  const rate = frameRate.num / frameRate.den;
  if (!(rate > 0) || !(durationSeconds > 0)) throw new RangeError('a grid needs a frame rate and a length');
  let timescale = frameRate.num;
  let frameTicks = frameRate.den;
  while (timescale < SMALLEST_TIMESCALE) {
    timescale *= 2;
    frameTicks *= 2;
  }
  return { frameRate, gopFrames: Math.max(1, Math.round(targetSeconds * rate)), frames: Math.max(1, Math.round(durationSeconds * rate)), timescale, frameTicks };
}

/** The grid of the sound that goes with a video grid. `durationSeconds` of the sound itself. */
export function audioGrid(video: Pick<VideoGrid, 'frameRate' | 'gopFrames'>, options: { sampleRate: number; durationSeconds: number }): AudioGrid {
  const { sampleRate, durationSeconds } = options;
  return {
    sampleRate, frameSamples: AAC_FRAME_SAMPLES,
    frames: Math.max(1, Math.round((durationSeconds * sampleRate) / AAC_FRAME_SAMPLES)),
    segment: { num: video.gopFrames * video.frameRate.den, den: video.frameRate.num },
  };
}

const isVideo = (grid: VideoGrid | AudioGrid): grid is VideoGrid => 'gopFrames' in grid;

/** The first unit of segment `n`, as if the grid had no end. */
function boundary(grid: VideoGrid | AudioGrid, n: number): number {
  if (isVideo(grid)) return n * grid.gopFrames;
  return Math.round((n * grid.segment.num * grid.sampleRate) / (grid.segment.den * grid.frameSamples));
}

/** How many segments a grid has; at least 1. */
export function segmentCount(grid: VideoGrid | AudioGrid): number {
  let count = isVideo(grid)
    ? Math.ceil(grid.frames / grid.gopFrames)
    : Math.ceil((grid.frames * grid.frameSamples * grid.segment.den) / (grid.segment.num * grid.sampleRate) - 1e-9);
  while (count > 1 && boundary(grid, count - 1) >= grid.frames) count -= 1;
  const last = grid.frames - boundary(grid, count - 1);
  return count > 1 && last < SHORTEST_LAST * (boundary(grid, count) - boundary(grid, count - 1)) ? count - 1 : Math.max(1, count);
}

/** Segment `n`, counted from 0; undefined beyond the end. */
export function gridSegment(grid: VideoGrid | AudioGrid, n: number, count = segmentCount(grid)): GridSegment | undefined {
  if (!Number.isInteger(n) || n < 0 || n >= count) return undefined;
  const first = boundary(grid, n);
  const end = n === count - 1 ? grid.frames : boundary(grid, n + 1);
  const [unitTicks, timescale] = isVideo(grid) ? [grid.frameTicks, grid.timescale] : [grid.frameSamples, grid.sampleRate];
  return { first, end, startTicks: first * unitTicks, durationTicks: (end - first) * unitTicks, durationSeconds: ((end - first) * unitTicks) / timescale };
}

/** All segments in order. */
export function gridSegments(grid: VideoGrid | AudioGrid): GridSegment[] {
  const count = segmentCount(grid);
  return Array.from({ length: count }, (_, n) => gridSegment(grid, n, count)).filter((segment) => segment !== undefined);
}

/** When segment `n` begins, in seconds; the end of the grid for one beyond it. */
export function startSecondsOf(grid: VideoGrid | AudioGrid, n: number): number {
  const first = Math.min(boundary(grid, n), grid.frames);
  return isVideo(grid) ? (first * grid.frameTicks) / grid.timescale : (first * grid.frameSamples) / grid.sampleRate;
}

/** The segment that holds a time; clamped to the grid. */
export function segmentAt(grid: VideoGrid | AudioGrid, seconds: number): number {
  const count = segmentCount(grid);
  const length = isVideo(grid) ? (grid.gopFrames * grid.frameRate.den) / grid.frameRate.num : grid.segment.num / grid.segment.den;
  return Math.min(count - 1, Math.max(0, Math.floor(seconds / length + 1e-9)));
}
