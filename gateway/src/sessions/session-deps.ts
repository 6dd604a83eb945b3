import type { Stream } from '@reelay/contracts';
import type { LibraryRoot } from '@reelay/runtime';
import type { SegmentCache } from '../cache/segment-cache.ts';
import type { ReadLocks } from '../locks/read-locks.ts';
import type { NodeSessionDeps } from './node-session.ts';

/** Hears of the streams of this gateway. */
export interface StreamEvents {
  readonly onOpen: (stream: Stream) => void;
  readonly onEnd: (stream: Stream, cause: Error) => void;
}

export interface SessionDeps extends NodeSessionDeps {
  readonly events: StreamEvents;
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
