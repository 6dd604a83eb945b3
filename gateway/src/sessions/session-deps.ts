import type { LibraryRoot } from '@reelay/runtime';
import type { SegmentCache } from '../cache/segment-cache.ts';
import type { ReadLocks } from '../locks/read-locks.ts';
import type { NodeSessionDeps } from './node-session.ts';

export interface SessionDeps extends NodeSessionDeps {
  readonly cache: SegmentCache;
  readonly reads: ReadLocks;
  readonly library: LibraryRoot;
}

export interface Ask {
  readonly renditionId: string;
  readonly name: 'init' | number;
  /** Digest of whoever asks. */
  readonly viewer: string;
}
