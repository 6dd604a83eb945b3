import { constants, inflateSync, type ZlibOptions } from 'node:zlib';
import type { PacketTrack } from '@reelay/contracts';
import { concat } from '../fmp4/box.ts';
import { NotRemuxableError, SourceChangedError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { readVint } from './ebml.ts';
import type { FrameEncodings } from './matroska-encodings.ts';
import { positionOf, readRanges, slicePacket } from './ranges.ts';

// ffprobe's position is the content of a (Simple)Block: track number, 16-bit time, flags, then one frame or, with lacing,
// a table of sizes and several frames, which then all have the same position.

/** Room for track number, time, flags and a table of at most 256 Xiph or EBML sizes. */
const BLOCK_HEADER_BYTES = 12;
const LACED_HEADER_BYTES = 2048;
const XIPH = 1;
const FIXED = 2;
const LARGEST_FRAME_BYTES = 64 * 1024 * 1024;
/** zlib makes a frame that it cannot shorten longer, by at most this. */
const zlibGrowth = (bytes: number): number => 64 + Math.ceil(bytes / 1000);

/** Reads packets [first, end) of a track. */
export async function readMatroska(
  source: ByteSource, track: PacketTrack, first: number, end: number, encodings: FrameEncodings,
): Promise<Uint8Array[]> {
  const ranges = [];
  const isZlib = [...encodings.values()].includes('zlib');
  for (let i = first; i < end; i += 1) {
    const block = blockOf(track, i);
    const header = block.last > block.first ? LACED_HEADER_BYTES : BLOCK_HEADER_BYTES;
    let bytes = header;
    for (let j = block.first; j <= i; j += 1) bytes += (track.size[j] ?? 0) + (isZlib ? zlibGrowth(track.size[j] ?? 0) : 0);
    const start = positionOf(track, i);
    ranges.push({ start, end: Math.min(source.sizeBytes, start + bytes) });
  }
  const packets: Uint8Array[] = [];
  await readRanges(source, ranges, (range, bytes) => {
    const packet = first + range;
    packets[range] = framePacket(bytes, track.size[packet] ?? 0, packet - blockOf(track, packet).first, encodings);
  });
  return packets;
}

/** The run of packets that share a block with this one. */
function blockOf(track: PacketTrack, packet: number): { first: number; last: number } {
  const position = track.position[packet];
  let first = packet;
  let last = packet;
  while (first > 0 && track.position[first - 1] === position) first -= 1;
  while (last + 1 < track.count && track.position[last + 1] === position) last += 1;
  return { first, last };
}

function framePacket(block: Uint8Array, size: number, frame: number, encodings: FrameEncodings): Uint8Array {
  const track = readVint(block, 0);
  const flagsAt = track.bytes + 2;
  const lacing = ((block[flagsAt] ?? 0) >> 1) & 3;
  const encoding = encodings.get(track.value);
  if (encoding === 'unreadable') throw new NotRemuxableError('The frames of the Matroska track are compressed or encrypted.', { trackNumber: track.value });
  const start = flagsAt + 1;
  if (encoding === 'zlib') return inflated(block, start, lacing, frame, size);
  const stored = size - (encoding?.length ?? 0);
  const offset = lacing === 0 ? start : lacedOffset(block, start, lacing, frame, stored);
  const data = slicePacket(block, offset, stored);
  return encoding ? concat([encoding, data]) : data;
}

/** The index knows how long a frame is, not how long it is compressed: its end is where zlib finds one. */
function inflated(block: Uint8Array, start: number, lacing: number, frame: number, size: number): Uint8Array {
  const at = lacing === 0 ? start : lacing === FIXED ? start + 1 + frame * inflate(block.subarray(start + 1)).taken : lacedOffset(block, start, lacing, frame, 0);
  const { bytes } = inflate(block.subarray(at), size);
  if (bytes.length !== size) throw new SourceChangedError('A Matroska frame is not as long as the index says.', { size, found: bytes.length });
  return bytes;
}

/** The first compressed frame in some bytes, and how many of them it takes. */
function inflate(bytes: Uint8Array, mostBytes = LARGEST_FRAME_BYTES): { bytes: Uint8Array; taken: number } {
  try {
    const options: ZlibOptions = { info: true, maxOutputLength: Math.max(1, mostBytes), finishFlush: constants.Z_SYNC_FLUSH };
    // With `info` it answers an object, which its type does not say.
    const answer: { buffer?: unknown; engine?: { bytesWritten?: unknown } } = inflateSync(bytes, options);
    return { bytes: answer.buffer instanceof Uint8Array ? answer.buffer : new Uint8Array(), taken: Number(answer.engine?.bytesWritten) };
  } catch (cause) {
    throw new SourceChangedError('A compressed Matroska frame is not where the index says.', {}, cause);
  }
}

/** Where the n-th frame of a laced block begins. */
function lacedOffset(block: Uint8Array, start: number, lacing: number, frame: number, size: number): number {
  const count = (block[start] ?? 0) + 1;
  let at = start + 1;
  if (frame >= count) throw new SourceChangedError('A Matroska block is not where the index says.');
  if (lacing === FIXED) return at + frame * size;
  const sizes: number[] = [];
  for (let i = 0; i < count - 1; i += 1) {
    let value = 0;
    if (lacing === XIPH) {
      let byte = 255;
      while (byte === 255 && at < block.length) {
        byte = block[at++] ?? 0;
        value += byte;
      }
    } else {
      const coded = readVint(block, at);
      at += coded.bytes;
      // The first size is plain, the others are signed differences, biased by half the range of their length.
      value = i === 0 ? coded.value : (sizes[i - 1] ?? 0) + coded.value - (2 ** (7 * coded.bytes - 1) - 1);
    }
    sizes.push(value);
  }
  return at + sizes.slice(0, frame).reduce((sum, value) => sum + value, 0);
}
