import type { ContainerKind, PacketTrack } from '@reelay/contracts';
import { NotRemuxableError } from '../errors.ts';
import { readAviSound } from './avi-sound.ts';
import type { ByteSource } from './byte-source.ts';
import { readMatroska } from './matroska.ts';
import { readFrameEncodings, type FrameEncodings } from './matroska-encodings.ts';
import { positionOf, readRanges, slicePacket } from './ranges.ts';
import { readTransportStream } from './transport-stream.ts';

// How a packet is found by the position ffprobe gives, measured per container (ffmpeg 5.1):
//   mp4, mov          the first byte of the sample
//   matroska, webm    the content of the (Simple)Block: track number, time, flags, frame
//   flv               the tag's 11-byte header, then a prefix that depends on the codec
//   avi               the chunk's content; MP3 frames may be cut by chunks
//   mpegts            the TS packet in which the frame's PES packet begins; missing for further frames of it

/** Containers whose packets can be read from the index. */
export const READABLE_CONTAINERS: ReadonlySet<ContainerKind> = new Set(['mp4', 'mov', 'matroska', 'webm', 'flv', 'avi', 'mpegts']);

const FLV_TAG_HEADER_BYTES = 11;
/** Codec byte, packet type and time offset ahead of a frame. */
const FLV_PREFIX_BYTES: Readonly<Record<string, number>> = { h264: 5, aac: 2, mp3: 1 };

/** What a container keeps outside the packets and that reading them needs. */
export interface ContainerFacts {
  readonly encodings: FrameEncodings;
}

/** Reads once per file what {@link readPackets} needs besides the index. */
export async function readContainerFacts(source: ByteSource, container: ContainerKind): Promise<ContainerFacts> {
  const matroska = container === 'matroska' || container === 'webm';
  return { encodings: matroska ? await readFrameEncodings(source) : new Map() };
}

/**
 * Reads packets [first, end) of a track, reading little more than their bytes. Throws {@link SourceChangedError} when
 * they are not where the index says.
 */
export async function readPackets(
  source: ByteSource, container: ContainerKind, facts: ContainerFacts, track: PacketTrack, codec: string, first: number, end: number,
): Promise<Uint8Array[]> {
  switch (container) {
    case 'mp4':
    case 'mov': return readPlain(source, track, first, end);
    case 'avi': return codec === 'mp3' ? readAviSound(source, track, codec, first, end) : readPlain(source, track, first, end);
    case 'flv': return readPlain(source, track, first, end, FLV_TAG_HEADER_BYTES + (FLV_PREFIX_BYTES[codec] ?? 0));
    case 'matroska':
    case 'webm': return readMatroska(source, track, first, end, facts.encodings);
    case 'mpegts': return readTransportStream(source, track, codec, first, end);
    case 'ogg':
    case 'mp3':
    case 'flac':
    case 'wav':
    case 'adts':
    case 'other': throw new NotRemuxableError(`Packets of a ${container} file cannot be read.`, { container });
    default: return container satisfies never;
  }
}

async function readPlain(source: ByteSource, track: PacketTrack, first: number, end: number, skipBytes = 0): Promise<Uint8Array[]> {
  const ranges = [];
  for (let i = first; i < end; i += 1) {
    const start = positionOf(track, i) + skipBytes;
    ranges.push({ start, end: start + (track.size[i] ?? 0) });
  }
  const packets: Uint8Array[] = [];
  await readRanges(source, ranges, (range, bytes) => {
    packets[range] = slicePacket(bytes, 0, track.size[first + range] ?? 0);
  });
  return packets;
}
