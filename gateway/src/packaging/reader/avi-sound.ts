import type { PacketTrack } from '@reelay/contracts';
import { concat } from '../fmp4/box.ts';
import { SourceChangedError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { anchorOf, cutFrames } from './elementary-stream.ts';

const CHUNK_HEADER_BYTES = 8;
const READ_BYTES = 512 * 1024;
const LARGEST_SPAN_BYTES = 256 * 1024 * 1024;

/** Reads sound frames [first, end) that AVI chunks may cut anywhere. Positions are those of a chunk's content. */
export async function readAviSound(source: ByteSource, track: PacketTrack, codec: string, first: number, end: number): Promise<Uint8Array[]> {
  const { anchor, position, sizes } = anchorOf(track, first, end);
  const wanted = sizes.reduce((sum, size) => sum + size, 0);
  const { chunks, firstBytes } = await collect(source, position - CHUNK_HEADER_BYTES, wanted);
  return cutFrames(concat(chunks), firstBytes, sizes, codec).slice(first - anchor);
}

/** Follows the chunks of the file from one on and keeps those of the same name. */
async function collect(source: ByteSource, start: number, wanted: number): Promise<{ chunks: Uint8Array[]; firstBytes: number }> {
  const window = new Window(source);
  const name = chunkName(await window.read(start, CHUNK_HEADER_BYTES));
  const chunks: Uint8Array[] = [];
  let collected = 0;
  let firstBytes = 0;
  for (let at = start; at + CHUNK_HEADER_BYTES <= source.sizeBytes && at - start < LARGEST_SPAN_BYTES;) {
    const header = await window.read(at, CHUNK_HEADER_BYTES);
    const bytes = new DataView(header.buffer, header.byteOffset).getUint32(4, true);
    // Lists of chunks ("rec ") are entered, all else is one chunk; chunks begin at even offsets.
    const found = chunkName(header);
    if (found === name) {
      const content = await window.read(at + CHUNK_HEADER_BYTES, bytes);
      if (chunks.length === 0) firstBytes = content.length;
      chunks.push(content.slice());
      collected += content.length;
      if (collected >= wanted + firstBytes) break;
    }
    at += found === 'LIST' ? CHUNK_HEADER_BYTES + 4 : CHUNK_HEADER_BYTES + bytes + (bytes & 1);
  }
  if (collected < wanted) throw new SourceChangedError('Sound is missing at the end of the file.');
  return { chunks, firstBytes };
}

function chunkName(header: Uint8Array): string {
  return new TextDecoder('latin1').decode(header.subarray(0, 4));
}

/** Small reads out of one larger one. */
class Window {
  readonly #source: ByteSource;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    if (position < this.#start || position + length > this.#start + this.#bytes.length) {
      this.#start = position;
      this.#bytes = await this.#source.read(position, Math.max(length, READ_BYTES));
    }
    return this.#bytes.subarray(position - this.#start, position - this.#start + length);
  }
}
