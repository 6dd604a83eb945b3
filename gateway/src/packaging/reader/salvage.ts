import type { PacketTrack } from '@reelay/contracts';
import { SourceChangedError } from '../errors.ts';
import { isFrameHead } from './elementary-stream.ts';

// Frames of a damaged stretch do not lie end to end: bytes are lost between them. But each PES packet is found by its
// position, and what is left of its frames can be shown: pictures as torn as they are, a sound frame as the one before it.

/** Where the payload of a PES packet begins among all that was collected, by its position in the file. */
export type PesStarts = ReadonlyMap<number, number>;

/** Frames [first, end) of a track, as far as they are there. @throws SourceChangedError when nothing of them is */
export function salvageFrames(payload: Uint8Array, starts: PesStarts, track: PacketTrack, codec: string, range: { first: number; end: number }): Uint8Array[] {
  const ends = [...starts.values(), payload.length].toSorted((a, b) => a - b);
  const isSound = track.kind === 'audio';
  const frames: Uint8Array[] = [];
  let at = Number.NaN;
  let good: Uint8Array | null = null;
  for (let i = range.first; i < range.end; i += 1) {
    const size = track.size[i] ?? 0;
    const start = starts.get(track.position[i] ?? Number.NaN);
    if (start !== undefined) {
      const pesEnd = ends.find((end) => end > start) ?? payload.length;
      at = headIn(payload, { start, end: pesEnd, size, codec }) ?? start;
    }
    const frame = Number.isNaN(at) ? new Uint8Array() : payload.subarray(at, at + size);
    const isGood = frame.length === size && isFrameHead(payload, at, size, codec);
    if (isGood) good = frame;
    frames.push(isSound && !isGood ? (good ?? new Uint8Array()) : frame);
    at += size;
  }
  const whole = good;
  if (whole === null) throw new SourceChangedError('Nothing is left of the frames.', { codec });
  return isSound ? frames.map((frame) => (frame.length > 0 ? frame : whole)) : frames;
}

function headIn(payload: Uint8Array, { start, end, size, codec }: { start: number; end: number; size: number; codec: string }): number | null {
  for (let at = start; at < end; at += 1) if (isFrameHead(payload, at, size, codec)) return at;
  return null;
}
