import { box, concat, fullBox, u32, u64 } from './box.ts';

export interface Sample {
  readonly data: Uint8Array;
  readonly durationTicks: number;
  /** Presentation minus decode time; may be negative. */
  readonly compositionOffsetTicks: number;
  readonly isSync: boolean;
}

export interface MediaSegment {
  /** Counts from 1 within the rendition. */
  readonly sequenceNumber: number;
  /** tfdt: the decode time of the first sample, which is also the smallest presentation time. */
  readonly startTicks: number;
  readonly samples: readonly Sample[];
  readonly kind: 'video' | 'audio';
}

const DEFAULT_BASE_IS_MOOF = 0x020000;
const DATA_OFFSET = 0x000001;
const SAMPLE_DURATION = 0x000100;
const SAMPLE_SIZE = 0x000200;
const SAMPLE_FLAGS = 0x000400;
const SAMPLE_COMPOSITION_OFFSET = 0x000800;
/** Depends on nothing; a sync sample. */
const SYNC_FLAGS = 0x02000000;
/** Depends on others; not a sync sample. */
const NON_SYNC_FLAGS = 0x01010000;

/** A CMAF segment of one fragment: styp, moof, mdat. Track 1, version-1 trun, offsets relative to the moof. */
export function writeMediaSegment(segment: MediaSegment): Uint8Array {
  const { samples } = segment;
  const dataBytes = samples.reduce((sum, sample) => sum + sample.data.length, 0);
  // The offset of the data depends on the size of the moof, which does not depend on the offset's value.
  const moofBytes = moof(segment, 0).length;
  const styp = box('styp', 'msdh', u32(0), 'msdh', 'msix', 'cmfs');
  const header = moof(segment, moofBytes + 8);
  return concat([styp, header, u32(dataBytes + 8), box('mdat').subarray(4), ...samples.map((sample) => sample.data)]);
}

function moof({ sequenceNumber, startTicks, samples, kind }: MediaSegment, dataOffset: number): Uint8Array {
  return box('moof',
    fullBox('mfhd', 0, 0, u32(sequenceNumber)),
    box('traf',
      fullBox('tfhd', 0, DEFAULT_BASE_IS_MOOF, u32(1)),
      fullBox('tfdt', 1, 0, u64(startTicks)),
      kind === 'video' ? videoRun(samples, dataOffset) : audioRun(samples, dataOffset)));
}

function videoRun(samples: readonly Sample[], dataOffset: number): Uint8Array {
  const flags = DATA_OFFSET | SAMPLE_DURATION | SAMPLE_SIZE | SAMPLE_FLAGS | SAMPLE_COMPOSITION_OFFSET;
  const fields = samples.flatMap((sample) => [
    sample.durationTicks, sample.data.length, sample.isSync ? SYNC_FLAGS : NON_SYNC_FLAGS, sample.compositionOffsetTicks,
  ]);
  return fullBox('trun', 1, flags, u32(samples.length, dataOffset), u32(...fields));
}

function audioRun(samples: readonly Sample[], dataOffset: number): Uint8Array {
  const fields = samples.flatMap((sample) => [sample.durationTicks, sample.data.length]);
  return fullBox('trun', 1, DATA_OFFSET | SAMPLE_DURATION | SAMPLE_SIZE, u32(samples.length, dataOffset), u32(...fields));
}
