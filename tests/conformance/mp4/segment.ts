import { Complaints } from '../complaint.ts';
import { type Box, BrokenBoxes, children, contentOf, find, readBoxes } from './boxes.ts';
import type { Track } from './init.ts';

export interface SampleFacts {
  readonly durationTicks: number;
  readonly sizeBytes: number;
  readonly isSync: boolean;
  readonly offsetTicks: number;
}

/** What a media segment holds, in the ticks of its track. */
export interface SegmentFacts {
  readonly startTicks: number;
  readonly durationTicks: number;
  readonly samples: readonly SampleFacts[];
  /** Earliest and latest presentation time. */
  readonly firstPts: number;
  readonly lastPts: number;
}

const NON_SYNC = 0x0001_0000;
const DEFAULT_BASE_IS_MOOF = 0x02_0000;
const BASE_DATA_OFFSET = 0x1;

/** Rules of one media segment by itself. `facts` is null when it cannot be read. */
export function segmentRules(bytes: Uint8Array, track: Track, where: string): { complaints: Complaints; facts: SegmentFacts | null } {
  const complaints = new Complaints(where);
  try {
    return { complaints, facts: read(bytes, track, complaints) };
  } catch (error) {
    complaints.check(false, 'CMAF segment', error instanceof BrokenBoxes ? error.message : String(error));
    return { complaints, facts: null };
  }
}

function read(bytes: Uint8Array, track: Track, complaints: Complaints): SegmentFacts | null {
  const all = readBoxes(bytes);
  const boxes = all.filter(({ type }, i) => !(['styp', 'sidx', 'prft'].includes(type) && all.slice(0, i).every((earlier) => ['styp', 'sidx', 'prft'].includes(earlier.type))));
  complaints.check(boxes.length > 0 && boxes.length % 2 === 0 && boxes.every(({ type }, i) => type === (i % 2 === 0 ? 'moof' : 'mdat')), 'CMAF segment', `its boxes are ${all.map(({ type }) => type).join(' ')}`);
  const fragments = boxes.flatMap((box, i) => (box.type === 'moof' ? [readFragment(box, boxes[i + 1], track, complaints)] : [])).filter((fragment) => fragment !== null);
  const [first] = fragments;
  if (first === undefined) return null;
  let due = first.startTicks;
  const samples: SampleFacts[] = [];
  let [firstPts, lastPts] = [Infinity, -Infinity];
  for (const fragment of fragments) {
    complaints.check(fragment.startTicks === due, 'CMAF tfdt', `a fragment begins at ${fragment.startTicks}, the one before ends at ${due}`);
    for (const sample of fragment.samples) {
      firstPts = Math.min(firstPts, due + sample.offsetTicks);
      lastPts = Math.max(lastPts, due + sample.offsetTicks);
      samples.push(sample);
      due += sample.durationTicks;
    }
  }
  complaints.check(samples[0]?.isSync === true, 'Apple 7.4', 'its first sample is no sync sample');
  complaints.check(firstPts >= 0, 'CMAF tfdt', `a picture is due at ${firstPts}, before 0`);
  return { startTicks: first.startTicks, durationTicks: due - first.startTicks, samples, firstPts, lastPts };
}

interface Fragment {
  startTicks: number;
  samples: SampleFacts[];
}

function readFragment(moof: Box, mdat: Box | undefined, track: Track, complaints: Complaints): Fragment | null {
  const inside = children(moof);
  const trafs = find(inside, 'traf');
  const [mfhd] = find(inside, 'mfhd');
  const [tfhd] = find(trafs, 'traf', 'tfhd');
  const [tfdt] = find(trafs, 'traf', 'tfdt');
  const truns = find(trafs, 'traf', 'trun');
  if (!complaints.check(trafs.length === 1 && !!mfhd && !!tfhd && !!tfdt && truns.length > 0, 'CMAF segment', 'a fragment without mfhd, one traf, tfhd, tfdt and trun')) return null;
  if (!mfhd || !tfhd || !tfdt) return null;
  const flags = tfhd.data.getUint32(0) & 0xff_ffff;
  complaints.check((flags & DEFAULT_BASE_IS_MOOF) !== 0, 'CMAF segment', 'no default-base-is-moof');
  complaints.check((flags & BASE_DATA_OFFSET) === 0, 'CMAF segment', 'a base-data-offset');
  const long = tfdt.data.getUint8(0) === 1;
  const startTicks = long ? Number(tfdt.data.getBigInt64(4)) : tfdt.data.getUint32(4);
  complaints.check(startTicks >= 0, 'CMAF tfdt', `tfdt is ${startTicks}`);
  const defaults = readDefaults(tfhd, flags, track);
  const samples: SampleFacts[] = [];
  let due = moof.sizeBytes + (mdat === undefined ? 0 : mdat.sizeBytes - contentOf(mdat).length);
  for (const trun of truns) {
    const run = readRun(trun, defaults);
    if (run.dataOffset !== null) complaints.check(run.dataOffset === due, 'CMAF segment', `data begin at ${run.dataOffset}, not at ${due}`);
    due = (run.dataOffset ?? due) + run.samples.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    samples.push(...run.samples);
  }
  complaints.check(mdat === undefined || due === moof.sizeBytes + mdat.sizeBytes, 'CMAF segment', `samples end at ${due}, their mdat at ${moof.sizeBytes + (mdat?.sizeBytes ?? 0)}`);
  complaints.check(samples.every(({ durationTicks }) => durationTicks > 0), 'CMAF segment', 'a sample lasts nothing');
  return { startTicks, samples };
}

interface Defaults {
  durationTicks: number;
  sizeBytes: number;
  flags: number;
}

function readDefaults({ data }: Box, flags: number, { defaults }: Track): Defaults {
  let at = 8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4);
  const next = (bit: number, otherwise: number): number => {
    if ((flags & bit) === 0) return otherwise;
    at += 4;
    return data.getUint32(at - 4);
  };
  const durationTicks = next(0x8, defaults.durationTicks);
  const sizeBytes = next(0x10, 0);
  return { durationTicks, sizeBytes, flags: next(0x20, defaults.flags) };
}

function readRun({ data }: Box, defaults: Defaults): { dataOffset: number | null; samples: SampleFacts[] } {
  const flags = data.getUint32(0) & 0xff_ffff;
  const version = data.getUint8(0);
  const count = data.getUint32(4);
  let at = 8;
  const next = (bit: number, otherwise: number, signed = false): number => {
    if ((flags & bit) === 0) return otherwise;
    at += 4;
    return signed ? data.getInt32(at - 4) : data.getUint32(at - 4);
  };
  const dataOffset = (flags & 0x1) === 0 ? null : next(0x1, 0, true);
  const firstFlags = next(0x4, defaults.flags);
  const samples = Array.from({ length: count }, (_, i): SampleFacts => {
    const durationTicks = next(0x100, defaults.durationTicks);
    const sizeBytes = next(0x200, defaults.sizeBytes);
    const sampleFlags = next(0x400, i === 0 ? firstFlags : defaults.flags);
    return { durationTicks, sizeBytes, isSync: (sampleFlags & NON_SYNC) === 0, offsetTicks: next(0x800, 0, version === 1) };
  });
  return { dataOffset, samples };
}
