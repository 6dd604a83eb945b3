import { type DiskTierOptions, DiskTier } from './disk-tier.ts';
import { HotTier } from './hot-tier.ts';
import { keyText, type Piece, type PieceKey, tagOf } from './piece.ts';

export interface SegmentCacheOptions extends DiskTierOptions {
  /** Bytes kept in memory in front of the disk. */
  hotBytes: number;
}

export interface CacheStats {
  hotBytes: number;
  diskBytes: number;
  diskPieces: number;
  hotHits: number;
  diskHits: number;
  misses: number;
}

/**
 * The pieces of all streams, immutable and known by version: memory in front of the disk. Whoever asks for a piece that
 * is being read or made joins the one who does; a failure is everybody's and is not remembered.
 */
export class SegmentCache {
  readonly #hot: HotTier;
  readonly #disk: DiskTier;
  readonly #reading = new Map<string, Promise<Piece | null>>();
  readonly #making = new Map<string, Promise<Piece>>();
  #hotHits = 0;
  #diskHits = 0;
  #misses = 0;

  private constructor(hot: HotTier, disk: DiskTier) {
    this.#hot = hot;
    this.#disk = disk;
  }

  static async open(options: SegmentCacheOptions): Promise<SegmentCache> {
    return new SegmentCache(new HotTier(options.hotBytes), await DiskTier.open(options));
  }

  /** Whether the piece is there, without reading it. */
  has(key: PieceKey): boolean {
    const text = keyText(key);
    return this.#disk.has(text) || this.#hot.get(text) !== undefined;
  }

  async get(key: PieceKey): Promise<Piece | null> {
    const text = keyText(key);
    const hot = this.#hot.get(text);
    if (hot !== undefined) {
      this.#hotHits += 1;
      return hot;
    }
    const known = this.#reading.get(text);
    if (known !== undefined) return known;
    if (!this.#disk.has(text)) {
      this.#misses += 1;
      return null;
    }
    const reading = this.#read(text).finally(() => this.#reading.delete(text));
    this.#reading.set(text, reading);
    return reading;
  }

  /** Keeps a piece. The first one under a key stays: what is answered is what everybody else got. */
  async put(key: PieceKey, bytes: Uint8Array): Promise<Piece> {
    const text = keyText(key);
    const there = await this.get(key);
    if (there !== null) return there;
    const piece = { bytes, tag: tagOf(bytes) };
    this.#hot.put(text, piece);
    await this.#disk.put(text, piece);
    return piece;
  }

  /** The cached piece, or the one that `make` makes, once for all who ask meanwhile. */
  async getOrMake(key: PieceKey, make: () => Promise<Uint8Array>): Promise<Piece> {
    const there = await this.get(key);
    if (there !== null) return there;
    const text = keyText(key);
    const known = this.#making.get(text);
    if (known !== undefined) return known;
    const making = make().then((bytes) => this.put(key, bytes)).finally(() => this.#making.delete(text));
    this.#making.set(text, making);
    return making;
  }

  stats(): CacheStats {
    return { hotBytes: this.#hot.bytes, diskBytes: this.#disk.bytes, diskPieces: this.#disk.count, hotHits: this.#hotHits, diskHits: this.#diskHits, misses: this.#misses };
  }

  async #read(text: string): Promise<Piece | null> {
    const piece = await this.#disk.get(text);
    if (piece === null) {
      this.#misses += 1;
      return null;
    }
    this.#diskHits += 1;
    this.#hot.put(text, piece);
    return piece;
  }
}
