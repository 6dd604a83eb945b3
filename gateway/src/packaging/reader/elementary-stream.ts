import type { PacketTrack } from '@reelay/contracts';
import { parseAdts } from '../bitstream/adts.ts';
import { isStartCode } from '../bitstream/nal.ts';
import { SourceChangedError } from '../errors.ts';

// Some containers cut a stream without regard to its frames (PES packets of MPEG-TS, sound chunks of AVI). The index then
// knows the position only of the container packet in which a frame begins, and none for further frames that begin in the same
// one. But the frames lie end to end in the payloads, so: collect the payloads from a known position on, find where the first
// frame begins, and cut by the sizes in the index. Every cut must fall on the head of a frame, else the file is not the
// indexed one.

/** The packet at or before `first` whose position is known, and the sizes from there on up to `end`. */
export function anchorOf(track: PacketTrack, first: number, end: number): { anchor: number; position: number; sizes: number[] } {
  let anchor = first;
  while (anchor > 0 && Number.isNaN(track.position[anchor] ?? Number.NaN)) anchor -= 1;
  const position = track.position[anchor] ?? Number.NaN;
  if (Number.isNaN(position)) throw new SourceChangedError('The index knows no position for a packet.', { packet: first });
  return { anchor, position, sizes: [...track.size.subarray(anchor, end)] };
}

/** Cuts a payload into frames of these sizes; the first begins within the first `slackBytes`. */
export function cutFrames(payload: Uint8Array, slackBytes: number, sizes: readonly number[], codec: string): Uint8Array[] {
  let at = firstFrame(payload, slackBytes, sizes, codec);
  return sizes.map((size) => {
    at += size;
    return payload.subarray(at - size, at);
  });
}

function firstFrame(payload: Uint8Array, slackBytes: number, sizes: readonly number[], codec: string): number {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const fits = (offset: number) => {
    let at = offset;
    return sizes.every((size) => {
      at += size;
      return isFrameHead(payload, at - size, size, codec);
    });
  };
  for (let offset = 0; offset <= slackBytes && offset + total <= payload.length; offset += 1) {
    if (fits(offset)) return offset;
  }
  throw new SourceChangedError('The frames of the stream are not where the index says.', { codec });
}

/** Whether a frame of this size begins here, as far as its first bytes tell. */
export function isFrameHead(bytes: Uint8Array, at: number, size: number, codec: string): boolean {
  if (codec === 'aac') return parseAdts(bytes, at)?.frameBytes === size;
  if (codec === 'mp3') return bytes[at] === 0xff && ((bytes[at + 1] ?? 0) & 0xe0) === 0xe0;
  return isStartCode(bytes, at);
}
