import type { PacketTrack } from '@reelay/contracts';
import { SourceChangedError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';

/** A stretch of the file that one packet needs. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Pictures between sound frames are read along up to this size: one larger read is faster than many small ones. */
const LARGEST_GAP_BYTES = 128 * 1024;
const LARGEST_READ_BYTES = 8 * 1024 * 1024;

/**
 * Reads ranges in few reads and hands each to `use` as a view, in file order. A view keeps the whole read in memory, which
 * is cheaper than a copy for as long as a segment is being made. Throws {@link SourceChangedError} when a range lies beyond the end of the file.
 */
export async function readRanges(
  source: ByteSource, ranges: readonly ByteRange[], use: (range: number, bytes: Uint8Array) => void,
): Promise<void> {
  const order = ranges.map((_, i) => i).toSorted((a, b) => (ranges[a]?.start ?? 0) - (ranges[b]?.start ?? 0));
  for (let at = 0; at < order.length;) {
    const members: number[] = [];
    let start = Infinity;
    let end = 0;
    for (; at < order.length; at += 1) {
      const i = order[at] ?? 0;
      const range = ranges[i];
      if (!range) break;
      const apart = range.start - end > LARGEST_GAP_BYTES || range.end - start > LARGEST_READ_BYTES;
      if (members.length > 0 && apart) break;
      members.push(i);
      start = Math.min(start, range.start);
      end = Math.max(end, range.end);
    }
    const bytes = await source.read(start, end - start);
    for (const i of members) {
      const range = ranges[i];
      if (range) use(i, bytes.subarray(range.start - start, range.end - start));
    }
  }
}

/** A view of a packet's bytes in what was read for it; throws when they are not all there. */
export function slicePacket(bytes: Uint8Array, offset: number, size: number): Uint8Array {
  if (offset + size > bytes.length) throw new SourceChangedError('A packet lies beyond the end of the file.', { size });
  return bytes.subarray(offset, offset + size);
}

/** Where the index says that a packet lies. @throws SourceChangedError when it does not say */
export function positionOf(track: PacketTrack, packet: number): number {
  const position = track.position[packet] ?? Number.NaN;
  if (!(position >= 0)) throw new SourceChangedError('The index knows no position for a packet.', { packet });
  return position;
}
