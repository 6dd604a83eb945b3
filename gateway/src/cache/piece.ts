import { createHash } from 'node:crypto';
import { turns } from '../packaging/turns.ts';

/** What a cached piece is known by: stream version, rendition, and `init` or the number of a segment. */
export interface PieceKey {
  readonly version: string;
  readonly rendition: string;
  readonly name: string;
}

/** One immutable piece of a stream. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Strong entity tag without its quotes: a hash of the bytes. */
  readonly tag: string;
}

/** One that lies on the disk, known to be whole, and is sent from there. It may be evicted before it is opened. */
export interface PieceFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly tag: string;
}

const PART = /^[\w-]{1,64}$/;

/** One line that is equal for equal keys. @throws RangeError for a part that could not be a file name */
export const keyText = ({ version, rendition, name }: PieceKey): string => {
  if (!PART.test(version) || !PART.test(rendition) || !PART.test(name)) throw new RangeError('not a key of a piece');
  return `${version}/${rendition}/${name}`;
};

export const tagOf = (bytes: Uint8Array): string => tagOfDigest(createHash('sha256').update(bytes).digest());

/** 6 MB take 10–15 ms at once here; beside, WebCrypto takes as long to copy them. */
const SLICE_BYTES = 1024 * 1024;

/** As tagOf, a megabyte in each round of the event loop, of whichever piece. */
export const tagInTurns = async (bytes: Uint8Array): Promise<string> => {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    await turns.next();
    hash.update(bytes.subarray(at, at + SLICE_BYTES));
  }
  return tagOfDigest(hash.digest());
};

/** As tagOf, of bytes whose SHA-256 is known already. */
export const tagOfDigest = (sha256: Buffer): string => sha256.toString('base64url').slice(0, 27);
