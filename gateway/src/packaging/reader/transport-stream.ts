import type { PacketTrack } from '@reelay/contracts';
import { concat } from '../fmp4/box.ts';
import { SourceChangedError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { anchorOf, cutFrames } from './elementary-stream.ts';

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
  return cutFrames(concat(collector.chunks), collector.firstPesBytes, sizes, codec).slice(first - anchor);
}

/** Gathers PES payload of the stream whose packet stands at `position`, until `wanted` bytes and one PES packet more are there. */
async function collect(source: ByteSource, position: number, wanted: number): Promise<PesCollector> {
  const head = await source.read(position, 1024);
  const lead = head[0] === SYNC ? 0 : 4;
  const stride = [PACKET_BYTES, 192, 204].find((bytes) => head[lead + bytes] === SYNC || head.length <= lead + bytes);
  if (head[lead] !== SYNC || stride === undefined) throw new SourceChangedError('No transport stream packet is where the index says.', { position });
  const collector = new PesCollector(packetId(head, lead), wanted);
  const readBytes = Math.floor(Math.min(READ_BYTES, Math.max(64 * 1024, wanted)) / stride) * stride;
  for (let at = position + lead; at < source.sizeBytes && !collector.done; at += readBytes) {
    if (at - position > LARGEST_READ_BYTES) break;
    const bytes = await source.read(at, readBytes);
    for (let i = 0; i + PACKET_BYTES <= bytes.length && !collector.done; i += stride) collector.add(bytes.subarray(i, i + PACKET_BYTES));
  }
  return collector;
}

function packetId(bytes: Uint8Array, at: number): number {
  return (((bytes[at + 1] ?? 0) & 31) << 8) | (bytes[at + 2] ?? 0);
}

class PesCollector {
  readonly chunks: Uint8Array[] = [];
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

  add(packet: Uint8Array): void {
    if (packet[0] !== SYNC || packetId(packet, 0) !== this.#pid) return;
    const control = ((packet[3] ?? 0) >> 4) & 3;
    if ((control & 1) === 0) return;
    const start = control === 3 ? 5 + (packet[4] ?? 0) : 4;
    let payload = packet.subarray(start);
    if (((packet[1] ?? 0) & 0x40) !== 0) payload = this.#begin(payload);
    const taken = payload.subarray(0, Math.min(payload.length, this.#left));
    this.#left -= taken.length;
    this.#collected += taken.length;
    if (this.#pesPackets === 1) this.firstPesBytes += taken.length;
    if (taken.length > 0) this.chunks.push(taken);
  }

  /** Strips the PES header and decides whether enough has been gathered. */
  #begin(payload: Uint8Array): Uint8Array {
    this.done = this.#pesPackets > 0 && this.#collected >= this.#wanted + this.firstPesBytes;
    this.#pesPackets += 1;
    const headerBytes = 9 + (payload[8] ?? 0);
    const announced = ((payload[4] ?? 0) << 8) | (payload[5] ?? 0);
    this.#left = this.done ? 0 : announced === 0 ? Infinity : announced + 6 - headerBytes;
    return payload.subarray(headerBytes);
  }
}
