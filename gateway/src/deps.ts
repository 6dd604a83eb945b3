import type { Clock, LibraryRoot, Logger, SigningKeys } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import type { Sql } from '@reelay/store';
import type { Hints } from './hub/hints.ts';
import type { Hub } from './hub/hub.ts';
import type { LiveJobs } from './hub/live-jobs.ts';
import type { SignInWatch } from './hub/sign-in-watch.ts';
import type { ViewAccess } from './access/view-access.ts';
import type { Outbox } from './hub/outbox.ts';
import type { StaticFiles } from './http/static-files.ts';
import type { Drain } from './server/drain.ts';
import type { HttpMetrics } from './server/http-metrics.ts';
import type { ReadLocks } from './locks/read-locks.ts';
import type { WriteLocks } from './locks/write-locks.ts';
import type { Requests } from './server/requests.ts';
import type { PartJournal } from './uploads/part-journal.ts';
import type { UploadLocks } from './uploads/upload-locks.ts';
import type { EncodedStreams } from './sessions/encoded-streams.ts';
import type { LivePipes } from './sessions/live-pipes.ts';
import type { AllStreams } from './registry/all-streams.ts';
import type { StreamDirectory } from './registry/directory.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { SegmentCache } from './cache/segment-cache.ts';
import type { PackageCache } from './videos/package-cache.ts';
import type { GatewaySettings } from './settings.ts';

/** All that the routes work with. */
export interface GatewayDeps {
  readonly settings: GatewaySettings;
  readonly sql: Sql;
  readonly bus: Bus;
  readonly library: LibraryRoot;
  /** Sign the tokens of agents' URLs; shared with the schedulers. */
  readonly keys: SigningKeys;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly hints: Hints;
  readonly hub: Hub;
  readonly signIns: SignInWatch;
  readonly outbox: Outbox;
  readonly live: LiveJobs;
  /** Who may see which video, as far as it was asked lately. */
  readonly views: ViewAccess;
  readonly packages: PackageCache;
  /** Pieces of all streams, in memory and on the disk. */
  readonly cache: SegmentCache;
  /** What encoding on demand makes of a video, and the sessions that do it. */
  readonly encoded: EncodedStreams;
  readonly sessions: Sessions;
  /** The streams of all gateways, as they were last heard. */
  readonly directory: StreamDirectory;
  readonly allStreams: AllStreams;
  /** Films that are encoded into one answer each. */
  readonly pipes: LivePipes;
  /** Who reads files through this gateway, and who has one alone to move it. */
  readonly reads: ReadLocks;
  readonly writes: WriteLocks;
  /** Which request may write to which resumable upload. */
  readonly uploads: UploadLocks;
  /** Parts of uploads that are sent in one piece. */
  readonly parts: PartJournal;
  readonly metrics: HttpMetrics;
  /** The built web client; null when there is none. */
  readonly web: StaticFiles | null;
  /** How far the gateway is on its way out. */
  readonly drain: Drain;
  readonly requests: Requests;
}
