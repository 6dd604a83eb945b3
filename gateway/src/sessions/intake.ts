import type { Piece, PieceKey } from '../cache/piece.ts';
import type { SegmentCache } from '../cache/segment-cache.ts';
import { initObstacle, readInit, withPromisedLevel } from './check-piece.ts';
import type { EncodedRendition } from './encoded-stream.ts';

/** The init segments of one stream: one per rendition, for as long as its version lives, whichever head made it. */
export class Intake {
  readonly #cache: SegmentCache;
  readonly #version: string;
  /** Also when the cache has let go of them: a head makes its init segment only once. */
  readonly #inits = new Map<string, Piece>();

  constructor(cache: SegmentCache, version: string) {
    this.#cache = cache;
    this.#version = version;
  }

  key(renditionId: string, name: 'init' | number): PieceKey {
    return { version: this.#version, rendition: renditionId, name: String(name) };
  }

  init(renditionId: string): Piece | undefined {
    return this.#inits.get(renditionId);
  }

  /** Why a head's init segment does not go with what the players have; null when it does. */
  async initObstacle({ id, recipe }: EncodedRendition, piece: Piece): Promise<string | null> {
    const stored = this.#inits.get(id) ?? (await this.#cache.get(this.key(id, 'init')));
    return initObstacle(readInit(piece.bytes), recipe, stored === null ? null : readInit(stored.bytes));
  }

  /** Keeps the first one; gives the one that counts. */
  async keepInit({ id, recipe }: EncodedRendition, piece: Piece): Promise<Piece> {
    const first = this.#inits.get(id) ?? (await this.#cache.put(this.key(id, 'init'), withPromisedLevel(piece.bytes, recipe)));
    this.#inits.set(id, first);
    return first;
  }
}
