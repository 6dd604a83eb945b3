import type { Piece } from './piece.ts';

/** Pieces in memory, the most recently used ones up to a number of bytes. A piece larger than a quarter of it stays out. */
export class HotTier {
  readonly #maxBytes: number;
  /** Last in the map = used last. */
  readonly #pieces = new Map<string, Piece>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(key: string): boolean {
    return this.#pieces.has(key);
  }

  get(key: string): Piece | undefined {
    const piece = this.#pieces.get(key);
    if (piece === undefined) return undefined;
    this.#pieces.delete(key);
    this.#pieces.set(key, piece);
    return piece;
  }

  put(key: string, piece: Piece): void {
    this.delete(key);
    if (piece.bytes.length > this.#maxBytes / 4) return;
    this.#pieces.set(key, piece);
    this.#bytes += piece.bytes.length;
    for (const oldest of this.#pieces.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  deleteVersion(version: string): void {
    for (const key of this.#pieces.keys()) if (key.startsWith(`${version}/`)) this.delete(key);
  }

  delete(key: string): void {
    const piece = this.#pieces.get(key);
    if (piece === undefined) return;
    this.#pieces.delete(key);
    this.#bytes -= piece.bytes.length;
  }
}
