import { type DiskTierOptions, DiskTier } from './disk-tier.ts';
import { HotTier } from './hot-tier.ts';
import { keyText, type Piece, type PieceFile, type PieceKey, tagInTurns } from './piece.ts';
import { SecondLook } from './second-look.ts';

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
  readonly #second: SecondLook;
  readonly #reading = new Map<string, Promise<Piece | null>>();
  readonly #making = new Map<string, Promise<Piece>>();
  /** On their way to the disk, and readable already. */
  readonly #writing = new Map<string, Piece>();
  #hotHits = 0;
  #diskHits = 0;
  #misses = 0;

  private constructor(hot: HotTier, disk: DiskTier, hotBytes: number) {
    this.#hot = hot;
    this.#disk = disk;
    this.#second = new SecondLook(hotBytes);
  }

  static async open(options: SegmentCacheOptions): Promise<SegmentCache> {
    return new SegmentCache(new HotTier(options.hotBytes), await DiskTier.open(options), options.hotBytes);
  }

  /** Whether the piece is there, without reading it. */
  has(key: PieceKey): boolean {
    const text = keyText(key);
    return this.#disk.has(text) || this.#writing.has(text) || this.#hot.has(text);
  }

  /** The piece, if nothing need be waited for. */
  inMemory(key: PieceKey): Piece | null {
    const text = keyText(key);
    const piece = this.#hot.get(text) ?? this.#writing.get(text);
    if (piece === undefined) return null;
    this.#hotHits += 1;
    return piece;
  }

  async get(key: PieceKey): Promise<Piece | null> {
    const hot = this.inMemory(key);
    if (hot !== null) return hot;
    const text = keyText(key);
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

  /** As get, for who wants to send it: what is on the disk need not come into memory for that, unless it is asked for often. */
  async find(key: PieceKey): Promise<Piece | PieceFile | null> {
    const text = keyText(key);
    if (this.#hot.has(text) || this.#writing.has(text) || !this.#disk.has(text)) return this.get(key);
    const file = await this.#disk.file(text);
    if (file === null || this.#second.isSecond(text, file.sizeBytes)) return this.get(key);
    this.#diskHits += 1;
    return file;
  }

  /** The piece as a file; null when it is not on the disk. */
  fileOf(key: PieceKey): Promise<PieceFile | null> {
    return this.#disk.file(keyText(key));
  }

  /** Keeps a piece. The first one under a key stays: what is answered is what everybody else got. */
  async put(key: PieceKey, bytes: Uint8Array): Promise<Piece> {
    return this.putPiece(key, { bytes, tag: await tagInTurns(bytes) });
  }

  /** As put, for a piece whose tag is known already. It can be read before it is on the disk. */
  async putPiece(key: PieceKey, piece: Piece): Promise<Piece> {
    const text = keyText(key);
    const first = this.#hot.get(text) ?? this.#writing.get(text) ?? (this.#disk.has(text) ? await this.get(key) : null) ?? this.#writing.get(text);
    if (first !== undefined) return first;
    this.#hot.put(text, piece);
    this.#writing.set(text, piece);
    try {
      await this.#disk.put(text, piece);
    } finally {
      this.#writing.delete(text);
    }
    return piece;
  }

  /**
   * The cached piece, or the one that `make` makes, once for all who ask meanwhile. `where`: what is made again in
   * milliseconds is kept in memory alone, and takes no room on the disk from what takes seconds.
   */
  async getOrMake(key: PieceKey, make: () => Promise<Uint8Array>, where: 'disk' | 'memory' = 'disk'): Promise<Piece> {
    const there = await this.get(key);
    if (there !== null) return there;
    const text = keyText(key);
    const known = this.#making.get(text);
    if (known !== undefined) return known;
    const making = make().then((bytes) => (where === 'disk' ? this.put(key, bytes) : this.#putHot(text, bytes))).finally(() => this.#making.delete(text));
    this.#making.set(text, making);
    return making;
  }

  /** Forgets every piece of a stream whose source is not the same any more. */
  async deleteVersion(version: string): Promise<void> {
    this.#hot.deleteVersion(version);
    await this.#disk.deleteVersion(version);
  }

  /** Changes how many bytes the disk keeps. */
  limitTo(maxDiskBytes: number): Promise<void> {
    return this.#disk.limitTo(maxDiskBytes);
  }

  stats(): CacheStats {
    return { hotBytes: this.#hot.bytes, diskBytes: this.#disk.bytes, diskPieces: this.#disk.count, hotHits: this.#hotHits, diskHits: this.#diskHits, misses: this.#misses };
  }

  async #putHot(text: string, bytes: Uint8Array): Promise<Piece> {
    const piece = { bytes, tag: await tagInTurns(bytes) };
    this.#hot.put(text, piece);
    return piece;
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
