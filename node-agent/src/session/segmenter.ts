import { type AudioRecipe, gridSegment, type RenditionRecipe, segmentCount, type VideoRecipe } from '@reelay/contracts';
import type { Fragmented } from './fragment-reader.ts';
import { fragmentSamples, placeFragment, writeSoundFragment } from './mp4.ts';

/** Segment `n` of a rendition, whole and at its place. */
export interface Segment {
  readonly n: number;
  readonly bytes: Uint8Array;
}

/** The encoder did not cut where the grid says; nothing of this head may be published from here on. */
class OffGrid extends Error {
  readonly code = 'off_grid';
}

/** Turns the fragments of one run of the encoder into segments of the grid, by counting pictures or AAC frames. */
export interface Segmenter {
  /** @throws OffGrid */
  take(fragment: Extract<Fragmented, { kind: 'fragment' }>): Segment | null;
}

/** AAC frames that an encoder gives out before the first sound: its delay. */
const PRIMING_FRAMES = 1;
/** Frames encoded ahead of a boundary and thrown away, so that no click is heard where two runs meet (measured: 0.7 % of the peak, 50 % without). */
const PREROLL_FRAMES = 4;

export const prerollOf = (firstFrame: number): number => Math.min(firstFrame, PREROLL_FRAMES);

export function segmenterFor(recipe: RenditionRecipe, from: number): Segmenter {
  return recipe.kind === 'video' ? new VideoSegmenter(recipe, from) : new AudioSegmenter(recipe, from);
}

/** One fragment is one closed group of pictures is one segment, except that a short last group joins the one before. */
class VideoSegmenter implements Segmenter {
  readonly #recipe: VideoRecipe;
  readonly #count: number;
  #n: number;
  #frames = 0;
  #parts: Uint8Array[] = [];

  constructor(recipe: VideoRecipe, from: number) {
    this.#recipe = recipe;
    this.#count = segmentCount(recipe.grid);
    this.#n = from;
  }

  take({ moof, mdat }: { moof: Uint8Array; mdat: Uint8Array }): Segment | null {
    const { grid } = this.#recipe;
    const planned = gridSegment(grid, this.#n, this.#count);
    if (planned === undefined) throw new OffGrid('pictures beyond the end');
    const samples = fragmentSamples(moof);
    const ticks = samples.reduce((sum, { durationTicks }) => sum + durationTicks, 0);
    const wanted = planned.end - planned.first;
    if (samples[0]?.isSync !== true) throw new OffGrid(`segment ${this.#n} does not begin with a keyframe`);
    if (ticks !== samples.length * grid.frameTicks) throw new OffGrid(`the pictures of segment ${this.#n} last ${ticks} ticks, not ${samples.length * grid.frameTicks}`);
    if (this.#frames + samples.length > wanted) throw new OffGrid(`segment ${this.#n} has ${this.#frames + samples.length} pictures, not ${wanted}`);
    placeFragment(moof, this.#n + 1, planned.startTicks + this.#frames * grid.frameTicks);
    this.#frames += samples.length;
    this.#parts.push(moof, mdat);
    if (this.#frames < wanted) {
      if (this.#frames % grid.gopFrames !== 0) throw new OffGrid(`segment ${this.#n} was cut after ${this.#frames} pictures`);
      return null;
    }
    const segment = { n: this.#n, bytes: new Uint8Array(Buffer.concat(this.#parts)) };
    this.#n += 1;
    this.#frames = 0;
    this.#parts = [];
    return segment;
  }
}

/** One fragment is one AAC frame; a segment's frames are written as one fragment. */
class AudioSegmenter implements Segmenter {
  readonly #recipe: AudioRecipe;
  readonly #count: number;
  #n: number;
  #toDrop: number;
  #frames: Uint8Array[] = [];

  constructor(recipe: AudioRecipe, from: number) {
    this.#recipe = recipe;
    this.#count = segmentCount(recipe.grid);
    this.#n = from;
    this.#toDrop = PRIMING_FRAMES + prerollOf(gridSegment(recipe.grid, from, this.#count)?.first ?? 0);
  }

  take({ moof, mdat }: { moof: Uint8Array; mdat: Uint8Array }): Segment | null {
    const samples = fragmentSamples(moof);
    if (samples.length !== 1) throw new OffGrid(`a fragment of sound has ${samples.length} frames, not 1`);
    if (this.#toDrop > 0) {
      this.#toDrop -= 1;
      return null;
    }
    const planned = gridSegment(this.#recipe.grid, this.#n, this.#count);
    if (planned === undefined) throw new OffGrid('sound beyond the end');
    this.#frames.push(mdat.subarray(8));
    if (this.#frames.length < planned.end - planned.first) return null;
    const { frameSamples } = this.#recipe.grid;
    const bytes = writeSoundFragment({ sequenceNumber: this.#n + 1, startTicks: planned.startTicks, frameTicks: frameSamples, frames: this.#frames });
    this.#frames = [];
    this.#n += 1;
    return { n: this.#n - 1, bytes };
  }
}
