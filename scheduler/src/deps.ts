import type { HubEnvironment } from '@reelay/job-types/hub';
import type { Clock, LibraryRoot, Logger, SigningKeys } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import type { Sql } from '@reelay/store';
import type { Hints } from './hints.ts';
import type { SchedulerSettings } from './settings.ts';

/** Durations of the scheduler, in milliseconds. */
export interface Timing {
  heartbeatMs: number;
  leaseMs: number;
  /** After an outage here, nodes have this long to be heard before anything of theirs expires. */
  graceMs: number;
  leaderTtlMs: number;
  sweepMs: number;
  retryUnitMs: number;
  /** How long an agent has for its answer to an offer. */
  offerMs: number;
  /** An offer not answered by a start within this time is sent again, with the same epoch. */
  resendMs: number;
  /** Intents younger than this are being worked on by the scheduler that stored them. */
  intentMs: number;
}

export const timingOf = (settings: SchedulerSettings): Timing => ({
  heartbeatMs: Math.round(settings.REELAY_HEARTBEAT_SECONDS * 1000),
  leaseMs: Math.round(settings.REELAY_LEASE_SECONDS * 1000),
  graceMs: Math.round(settings.REELAY_LEASE_SECONDS * 1000),
  leaderTtlMs: Math.round(settings.REELAY_LEADER_SECONDS * 1000),
  sweepMs: Math.round(settings.REELAY_SWEEP_SECONDS * 1000),
  retryUnitMs: Math.round(settings.REELAY_RETRY_UNIT_SECONDS * 1000),
  offerMs: 2_000,
  resendMs: 3_000,
  intentMs: 10_000,
});

/** What the parts of the scheduler share. */
export interface Deps {
  sql: Sql;
  bus: Bus;
  library: LibraryRoot;
  /** Id of the library: nodes that report the same one see the same files. */
  libraryId: string;
  /** Sign the URLs of work orders; the gateways have the same. */
  keys: SigningKeys;
  logger: Logger;
  clock: Clock;
  newId: () => string;
  hints: Hints;
  timing: Timing;
}

export const hubEnvironment = ({ library, clock, newId }: Pick<Deps, 'library' | 'clock' | 'newId'>): HubEnvironment => ({
  libraryRoot: library.path, now: () => clock.now(), newId,
});
