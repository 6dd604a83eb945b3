import type { PacketTrack } from '@reelay/contracts';
import { concat } from '../fmp4/box.ts';
import { SourceChangedError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { anchorOf, cutFrames } from './elementary-stream.ts';
import { salvageFrames } from './salvage.ts';

// ffprobe's position is the TS packet with which the PES packet begins that holds the first byte of a frame.

const SYNC = 0x47;
const PACKET_BYTES = 188;
const READ_BYTES = 1024 * 1024;
/** A stream silent for that long between two of its packets is not worth waiting for. */
const LARGEST_READ_BYTES = 256 * 1024 * 1024;

/** Reads packets [first, end) of a track of an MPEG transport stream (188, 192 or 204 bytes a packet). */
export async function readTransportStream(source: ByteSource, track: PacketTrack, codec: string, first: number, end: number): Promise<Uint8Array[]> {
  const { anchor, position, sizes } = anchorOf(track, first, end);
  const collector = await collect(source, position, sizes.reduce((sum, size) => sum + size, 0));
  const payload = concat(collector.chunks);
  try {
    return cutFrames(payload, collector.firstPesBytes, sizes, codec).slice(first - anchor);
  } catch (error) {
    if (!(error instanceof SourceChangedError)) throw error;
    return salvageFrames(payload, collector.starts, track, codec, { first: anchor, end }).slice(first - anchor);
  }
}

/** Gathers PES payload of the stream whose packet stands at `position`, until `wanted` bytes and one PES packet more are there. */
async function collect(source: ByteSource, position: number, wanted: number): Promise<PesCollector> {
  const head = await source.read(position, 1024);
  const lead = head[0] === SYNC ? 0 : 4;
  const stride = [PACKET_BYTES, 192, 204].find((bytes) => head[lead + bytes] === SYNC || head.length <= lead + bytes);
  if (head[lead] !== SYNC || stride === undefined) throw new SourceChangedError('No transport stream packet is where the index says.', { position });
  const collector = new PesCollector(packetId(head, lead), wanted);
  const readBytes = Math.floor(Math.min(READ_BYTES, Math.max(64 * 1024, wanted)) / stride) * stride;
  for (let at = position + lead; at < source.sizeBytes && !collector.done;) {
    if (at - position > LARGEST_READ_BYTES) break;
    const bytes = await source.read(at, readBytes);
    let i = 0;
    for (; i + PACKET_BYTES <= bytes.length && !collector.done; i += stride) {
      // Something is missing or too much: packets go on where the next three are.
      if (bytes[i] !== SYNC) i = nextSync(bytes, i, stride);
      if (i + PACKET_BYTES <= bytes.length) collector.add(bytes.subarray(i, i + PACKET_BYTES), at + i - lead);
    }
    // On from the packet that was not read whole.
    at += Math.max(stride, Math.min(i, bytes.length));
  }
  return collector;
}

/** Where packets begin again; the end of the bytes where they do not. */
function nextSync(bytes: Uint8Array, from: number, stride: number): number {
  for (let at = bytes.indexOf(SYNC, from); at >= 0; at = bytes.indexOf(SYNC, at + 1)) {
    if ([1, 2].every((n) => at + n * stride >= bytes.length || bytes[at + n * stride] === SYNC)) return at;
  }
  return bytes.length;
}

function packetId(bytes: Uint8Array, at: number): number {
  return (((bytes[at + 1] ?? 0) & 31) << 8) | (bytes[at + 2] ?? 0);
}

class PesCollector {
  readonly chunks: Uint8Array[] = [];
  /** Where among the chunks the payload of each PES packet begins, by the position of its first packet. */
  readonly starts = new Map<number, number>();
  /** Payload of the first PES packet: the first wanted frame begins in it. */
  firstPesBytes = 0;
  done = false;
  readonly #pid: number;
  readonly #wanted: number;
  #collected = 0;
  #pesPackets = 0;
  /** Payload bytes the current PES packet still announces; Infinity when it does not say. */
  #left = 0;

  constructor(pid: number, wanted: number) {
    this.#pid = pid;
    this.#wanted = wanted;
  }

  add(packet: Uint8Array, position: number): void {
    if (packet[0] !== SYNC || packetId(packet, 0) !== this.#pid) return;
    const control = ((packet[3] ?? 0) >> 4) & 3;
    if ((control & 1) === 0) return;
    const start = control === 3 ? 5 + (packet[4] ?? 0) : 4;
    let payload = packet.subarray(start);
    if (((packet[1] ?? 0) & 0x40) !== 0) {
      this.starts.set(position, this.#collected);
      payload = this.#begin(payload);
    }
    const taken = payload.subarray(0, Math.min(payload.length, this.#left));
    this.#left -= taken.length;
    this.#collected += taken.length;
    if (this.#pesPackets === 1) this.firstPesBytes += taken.length;
    if (taken.length > 0) this.chunks.push(taken);
  }

  /** Strips the PES header and decides whether enough has been gathered. */
  #begin(payload: Uint8Array): Uint8Array {
    if (payload[0] !== 0 || payload[1] !== 0 || payload[2] !== 1) {
      this.#left = 0;
      return payload;
    }
    this.done = this.#pesPackets > 0 && this.#collected >= this.#wanted + this.firstPesBytes;
    this.#pesPackets += 1;
    const headerBytes = 9 + (payload[8] ?? 0);
    const announced = ((payload[4] ?? 0) << 8) | (payload[5] ?? 0);
    this.#left = this.done ? 0 : announced === 0 ? Infinity : announced + 6 - headerBytes;
    return payload.subarray(headerBytes);
  }
}
