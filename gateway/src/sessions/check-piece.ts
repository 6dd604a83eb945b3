import { gridSegment, type RenditionRecipe } from '@reelay/contracts';
import { parseAvcConfig, parseH264Sps } from '../packaging/bitstream/h264.ts';
import { type Box, boxesIn, findBox, viewOf } from './boxes.ts';

/** What an init segment prepares a player for. Sound has neither size nor profile. */
export interface InitFacts {
  readonly timescale: number;
  /** Whole blocks of 16 pixels, as they are coded. */
  readonly width: number;
  readonly height: number;
  readonly profile: number;
  /** Times ten. */
  readonly level: number;
}

const HIGH = 100;
const NON_SYNC = 0x0001_0000;
const SAMPLE_TABLE = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'] as const;
const blocks = (pixels: number): number => Math.ceil(pixels / 16);

/** Reads an init segment with one track; null when it is none. */
export function readInit(bytes: Uint8Array): InitFacts | null {
  try {
    const mdhd = findBox(bytes, ['moov', 'trak', 'mdia', 'mdhd']);
    if (mdhd === null || findBox(bytes, ['moov', 'mvex']) === null || findBox(bytes, ['moov', 'trak', 'edts']) !== null) return null;
    const data = viewOf(bytes);
    const timescale = data.getUint32(mdhd.content + (data.getUint8(mdhd.content) === 1 ? 20 : 12));
    const avcC = findBox(bytes, [...SAMPLE_TABLE, 'avc1', 'avcC']);
    if (avcC === null) return findBox(bytes, [...SAMPLE_TABLE, 'mp4a', 'esds']) === null ? null : { timescale, width: 0, height: 0, profile: 0, level: 0 };
    const sps = parseAvcConfig(bytes.subarray(avcC.content, avcC.end))?.sps[0];
    if (sps === undefined) return null;
    const { width, height, profile, level } = parseH264Sps(sps);
    return { timescale, width, height, profile, level };
  } catch {
    return null;
  }
}

/**
 * Why an init segment cannot be a rendition's, or null when it can: it keeps what the playlist promised, and a later run
 * what the first one prepared the players for.
 */
export function initObstacle(facts: InitFacts | null, recipe: RenditionRecipe, first: InitFacts | null): string | null {
  if (facts === null) return 'it is no init segment of one track';
  const timescale = recipe.kind === 'video' ? recipe.grid.timescale : recipe.grid.sampleRate;
  if (facts.timescale !== timescale) return `its timescale is ${facts.timescale}, not ${timescale}`;
  if (recipe.kind === 'audio') return facts.profile === 0 ? null : 'it holds pictures';
  if (blocks(facts.width) !== blocks(recipe.width) || blocks(facts.height) !== blocks(recipe.height)) {
    return `its pictures are ${facts.width}x${facts.height}, not ${recipe.width}x${recipe.height}`;
  }
  const highest = first?.profile ?? HIGH;
  if (facts.profile > highest) return `its profile is ${facts.profile}, above ${highest}`;
  return facts.level > recipe.level ? `its level is ${facts.level}, above ${recipe.level}` : null;
}

/**
 * The init segment with the level that the playlist promises, where the encoder got by with a lower one: another encoder,
 * which needs all of it, can go on under the same init segment.
 */
export function withPromisedLevel(bytes: Uint8Array, recipe: RenditionRecipe): Uint8Array {
  const avcC = findBox(bytes, [...SAMPLE_TABLE, 'avc1', 'avcC']);
  if (avcC === null || recipe.kind === 'audio') return bytes;
  const changed = bytes.slice();
  // avcC: version, profile, compatibility, level, …, then from byte 8 on the first SPS: type, profile, compatibility, level.
  changed[avcC.content + 3] = recipe.level;
  changed[avcC.content + 11] = recipe.level;
  return changed;
}

/** Why bytes are not segment `n` of a rendition, or null when they are: at its place, as long as planned, keyframe first. */
export function segmentObstacle(bytes: Uint8Array, recipe: RenditionRecipe, n: number): string | null {
  const planned = gridSegment(recipe.grid, n);
  if (planned === undefined) return 'it is beyond the end';
  const boxes = boxesIn(bytes);
  if (boxes === null || boxes[0]?.type !== 'moof') return 'it is no whole media segment';
  let ticks = 0;
  for (const [i, box] of boxes.entries()) {
    if (box.type !== (i % 2 === 0 ? 'moof' : 'mdat')) return `it holds a box ${box.type}`;
    if (box.type === 'mdat') continue;
    const run = readFragment(bytes, box);
    if (run === null) return 'it holds a fragment that is not understood';
    if (run.startTicks !== planned.startTicks + ticks) return `it begins at ${run.startTicks}, not at ${planned.startTicks + ticks}`;
    if (i === 0 && recipe.kind === 'video' && !run.startsWithSync) return 'it does not begin with a keyframe';
    ticks += run.ticks;
  }
  if (boxes.length % 2 === 1) return 'it ends in the middle of a fragment';
  return ticks === planned.durationTicks ? null : `it lasts ${ticks} ticks, not ${planned.durationTicks}`;
}

interface Run {
  startTicks: number;
  ticks: number;
  startsWithSync: boolean;
}

function readFragment(bytes: Uint8Array, moof: Box): Run | null {
  const traf = findBox(bytes, ['traf'], moof.content, moof.end);
  if (traf === null) return null;
  const [tfhd, tfdt, trun] = ['tfhd', 'tfdt', 'trun'].map((type) => findBox(bytes, [type], traf.content, traf.end));
  if (!tfhd || !tfdt || !trun) return null;
  const data = viewOf(bytes);
  try {
    const startTicks = data.getUint8(tfdt.content) === 1 ? Number(data.getBigUint64(tfdt.content + 4)) : data.getUint32(tfdt.content + 4);
    return { startTicks, ...readRun(data, trun, readDefaults(data, tfhd)) };
  } catch {
    return null;
  }
}

interface Defaults {
  duration: number;
  flags: number;
}

function readDefaults(data: DataView, tfhd: Box): Defaults {
  const flags = data.getUint32(tfhd.content);
  let at = tfhd.content + 8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4);
  const next = (bit: number): number => {
    if ((flags & bit) === 0) return 0;
    at += 4;
    return data.getUint32(at - 4);
  };
  const duration = next(0x8);
  next(0x10);
  return { duration, flags: next(0x20) };
}

function readRun(data: DataView, trun: Box, defaults: Defaults): Omit<Run, 'startTicks'> {
  const flags = data.getUint32(trun.content);
  const count = data.getUint32(trun.content + 4);
  let at = trun.content + 8 + ((flags & 0x1) === 0 ? 0 : 4);
  let firstFlags = defaults.flags;
  if ((flags & 0x4) !== 0) {
    firstFlags = data.getUint32(at);
    at += 4;
  }
  const stride = [0x100, 0x200, 0x400, 0x800].reduce((sum, bit) => sum + ((flags & bit) === 0 ? 0 : 4), 0);
  if (at + count * stride > trun.end) throw new RangeError('a run longer than its box');
  if ((flags & 0x400) !== 0) firstFlags = data.getUint32(at + ((flags & 0x100) === 0 ? 0 : 4) + ((flags & 0x200) === 0 ? 0 : 4));
  let ticks = 0;
  for (let i = 0; i < count; i += 1) ticks += (flags & 0x100) === 0 ? defaults.duration : data.getUint32(at + i * stride);
  return { ticks, startsWithSync: (firstFlags & NON_SYNC) === 0 };
}
