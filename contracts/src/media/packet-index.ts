import type { Rational } from './media-info.ts';
import { PacketIndexError, VarintReader, VarintWriter } from './varint.ts';

export { PacketIndexError };

// The packet index: where every coded picture and sound frame of a file lies and when it is shown.
//
// On the wire and in the store: 4 bytes "RPI" + version, then raw DEFLATE of
//   trackCount, then per track: streamIndex, kind, timeBase.num, timeBase.den, count, and six columns
//   pts, dts, duration, size, position, flags.
// All numbers are LEB128 varints. Signed ones are zigzag; a value that may be missing is stored + 1, 0 being "missing".
// Columns hold differences to a prediction (previous value; for a position: the end of the previous packet plus the last
// gap), so that DEFLATE finds mostly repeats. Measured: 2 h of 24 fps video with AAC in Matroska is 1.7 MB.

/** Bits of {@link PacketTrack.flags}. */
export const PacketFlag = {
  /** The container calls it a keyframe. */
  key: 1,
  /** Decoded but not shown (outside the edit list, priming). */
  discard: 2,
  /** Decoding may start here and nothing after it refers to what came before: a segment may begin with it. */
  idr: 4,
  /** The first packet that carries this very configuration of its decoder (parameter sets, the head of AAC frames). */
  newSets: 8,
  /** From here on the container gives the decoder another configuration than the one that was probed. */
  newConfig: 16,
} as const;

/** The packets of one stream in decode order. Times are ticks of `timeBase`; NaN means the file does not say. */
export interface PacketTrack {
  readonly streamIndex: number;
  readonly kind: 'video' | 'audio';
  readonly timeBase: Rational;
  readonly count: number;
  readonly pts: Float64Array;
  readonly dts: Float64Array;
  readonly duration: Float64Array;
  /** Bytes of the packet as the demuxer hands it out. */
  readonly size: Uint32Array;
  /** Byte offset in the file as ffprobe reports it; what stands there depends on the container. */
  readonly position: Float64Array;
  readonly flags: Uint8Array;
}

export interface PacketIndex {
  readonly tracks: readonly PacketTrack[];
}

const MAGIC = [0x52, 0x50, 0x49, 1] as const;
/** About 60 hours of film; more is a damaged index, not a video. */
const MAX_PACKETS = 32_000_000;

/** An empty track with room for `count` packets. */
export function allocateTrack(track: Pick<PacketTrack, 'streamIndex' | 'kind' | 'timeBase' | 'count'>): PacketTrack {
  const { streamIndex, kind, timeBase, count } = track;
  return {
    streamIndex, kind, timeBase, count,
    pts: new Float64Array(count),
    dts: new Float64Array(count),
    duration: new Float64Array(count),
    size: new Uint32Array(count),
    position: new Float64Array(count),
    flags: new Uint8Array(count),
  };
}

/** The compact form of an index. */
export async function encodePacketIndex(index: PacketIndex): Promise<Uint8Array> {
  const writer = new VarintWriter();
  writer.unsigned(index.tracks.length);
  for (const track of index.tracks) {
    writer.unsigned(track.streamIndex);
    writer.unsigned(track.kind === 'video' ? 0 : 1);
    writer.unsigned(track.timeBase.num);
    writer.unsigned(track.timeBase.den);
    writer.unsigned(track.count);
    writeColumn(writer, track.pts);
    writeColumn(writer, track.dts);
    writeColumn(writer, track.duration);
    for (const size of track.size) writer.unsigned(size);
    writePositions(writer, track);
    for (const flag of track.flags) writer.unsigned(flag);
  }
  const body = await pipe(writer.finish(), new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(MAGIC.length + body.length);
  bytes.set(MAGIC);
  bytes.set(body, MAGIC.length);
  return bytes;
}

/** So many numbers are read between two pauses: 2 ms. */
const NUMBERS_AT_ONCE = 100_000;

export interface DecodeOptions {
  /** Awaited every few milliseconds, so that others get their turn: the index of a long film holds millions of numbers. */
  pause?: () => Promise<void>;
  /** A quicker way to inflate than the one of browsers. */
  inflateRaw?: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/** The index of its compact form; throws {@link PacketIndexError} on anything else. */
export async function decodePacketIndex(bytes: Uint8Array, { pause, inflateRaw = inflate }: DecodeOptions = {}): Promise<PacketIndex> {
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) throw new PacketIndexError('not a packet index of a known version');
  let body: Uint8Array;
  try {
    body = await inflateRaw(bytes.subarray(MAGIC.length));
  } catch (cause) {
    throw new PacketIndexError('the packet index cannot be inflated', { cause });
  }
  const reader = new VarintReader(body);
  const tracks: PacketTrack[] = [];
  for (let left = reader.unsigned(); left > 0; left -= 1) {
    const track = startTrack(reader);
    tracks.push(track);
    for (const _ of readColumns(reader, track)) await pause?.();
  }
  return { tracks };
}

function startTrack(reader: VarintReader): PacketTrack {
  const streamIndex = reader.unsigned();
  const kind = reader.unsigned() === 0 ? 'video' : 'audio';
  const timeBase = { num: reader.unsigned(), den: reader.unsigned() };
  const count = reader.unsigned();
  if (count > MAX_PACKETS || count > reader.left || timeBase.den === 0) throw new PacketIndexError('the packet index is damaged');
  return allocateTrack({ streamIndex, kind, timeBase, count });
}

/** Yields between stretches of work. */
function* readColumns(reader: VarintReader, track: PacketTrack): Generator<void> {
  yield* readColumn(reader, track.pts);
  yield* readColumn(reader, track.dts);
  yield* readColumn(reader, track.duration);
  yield* readPlain(reader, track.size);
  yield* readPositions(reader, track);
  yield* readPlain(reader, track.flags);
}

function writeColumn(writer: VarintWriter, column: Float64Array): void {
  let previous = 0;
  for (const value of column) {
    writer.optional(Number.isNaN(value) ? null : value - previous);
    if (!Number.isNaN(value)) previous = value;
  }
}

function* readColumn(reader: VarintReader, column: Float64Array): Generator<void> {
  let previous = 0;
  for (let i = 0; i < column.length; i += 1) {
    const delta = reader.optional();
    if (!Number.isNaN(delta)) previous += delta;
    column[i] = Number.isNaN(delta) ? delta : previous;
    if (i % NUMBERS_AT_ONCE === NUMBERS_AT_ONCE - 1) yield;
  }
}

function* readPlain(reader: VarintReader, column: Uint32Array | Uint8Array): Generator<void> {
  for (let i = 0; i < column.length; i += 1) {
    column[i] = reader.unsigned();
    if (i % NUMBERS_AT_ONCE === NUMBERS_AT_ONCE - 1) yield;
  }
}

/** A packet nearly always lies behind its predecessor at the same distance, so only changes of the distance are stored. */
function writePositions(writer: VarintWriter, track: PacketTrack): void {
  let end = 0;
  let gap = 0;
  for (let i = 0; i < track.count; i += 1) {
    const position = track.position[i] ?? Number.NaN;
    if (Number.isNaN(position)) {
      writer.optional(null);
      continue;
    }
    writer.optional(position - end - gap);
    gap = position - end;
    end = position + (track.size[i] ?? 0);
  }
}

function* readPositions(reader: VarintReader, track: PacketTrack): Generator<void> {
  let end = 0;
  let gap = 0;
  for (let i = 0; i < track.count; i += 1) {
    const change = reader.optional();
    if (!Number.isNaN(change)) {
      gap += change;
      end += gap + (track.size[i] ?? 0);
    }
    track.position[i] = Number.isNaN(change) ? change : end - (track.size[i] ?? 0);
    if (i % NUMBERS_AT_ONCE === NUMBERS_AT_ONCE - 1) yield;
  }
}

function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  return pipe(bytes, new DecompressionStream('deflate-raw'));
}

async function pipe(bytes: Uint8Array, transform: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const through = new Blob([Uint8Array.from(bytes)]).stream().pipeThrough<Uint8Array>(transform);
  return new Uint8Array(await new Response(through).arrayBuffer());
}
