import type { HubEnvironment } from '@reelay/job-types/hub';
import type { Clock, LibraryRoot, Logger, SigningKeys } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import type { Sql } from '@reelay/store';
import type { Hints } from './hints.ts';
import type { Timing } from './timing.ts';

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
  /** How many streams all nodes together may encode for viewers, at this moment; undefined: as many as they have places for. */
  fleetLimit: () => number | undefined;
}

export const hubEnvironment = ({ library, clock, newId }: Pick<Deps, 'library' | 'clock' | 'newId'>): HubEnvironment => ({
  libraryRoot: library.path, now: () => clock.now(), newId,
});
