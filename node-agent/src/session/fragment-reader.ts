import { boxHeader } from './mp4.ts';

/** What a stream of fragmented MP4 is made of. `moof` may be changed by whoever gets it. */
export type Fragmented = { kind: 'init'; bytes: Uint8Array } | { kind: 'fragment'; moof: Uint8Array; mdat: Uint8Array };

const MAX_BOX_BYTES = 256 * 1024 * 1024;

/** ffmpeg wrote something that is no fragmented MP4. */
class NotFragmented extends Error {
  readonly code = 'not_fragmented';
}

/** Cuts the bytes of ffmpeg's pipe into the init segment and whole fragments. Bytes after a cut-off are never given out. */
export class FragmentReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #neededBytes = 8;
  readonly #head: Uint8Array[] = [];
  #moof: Uint8Array | null = null;
  #initDone = false;

  /** The pieces that are whole now. @throws NotFragmented */
  push(chunk: Uint8Array): Fragmented[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const found: Fragmented[] = [];
    while (this.#bytes >= this.#neededBytes) {
      const joined = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      if (joined === undefined) break;
      this.#chunks = [joined];
      const header = boxHeader(joined, 0);
      if (header === null) break;
      if (header.sizeBytes < 8 || header.sizeBytes > MAX_BOX_BYTES || !/^[a-z]{4}$/.test(header.type)) throw new NotFragmented('the encoder wrote no fragmented MP4');
      if (joined.length < header.sizeBytes) {
        this.#neededBytes = header.sizeBytes;
        break;
      }
      const box = Uint8Array.prototype.slice.call(joined, 0, header.sizeBytes);
      this.#chunks = [joined.subarray(header.sizeBytes)];
      this.#bytes -= header.sizeBytes;
      this.#neededBytes = 8;
      const piece = this.#take(header.type, box);
      if (piece !== null) found.push(piece);
    }
    return found;
  }

  #take(type: string, box: Uint8Array): Fragmented | null {
    if (!this.#initDone) {
      this.#head.push(box);
      if (type !== 'moov') return null;
      this.#initDone = true;
      return { kind: 'init', bytes: new Uint8Array(Buffer.concat(this.#head)) };
    }
    if (type === 'moof') {
      this.#moof = box;
      return null;
    }
    if (type !== 'mdat' || this.#moof === null) return null;
    const moof = this.#moof;
    this.#moof = null;
    return { kind: 'fragment', moof, mdat: box };
  }
}
