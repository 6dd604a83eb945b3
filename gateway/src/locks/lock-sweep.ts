import { type Clock, type Ctx, type LibraryRoot, type Logger, type Service, toError } from '@reelay/runtime';
import { claimAbandoned, endWrite, type Sql, sweepReads } from '@reelay/store';
import { repairMove } from '../videos/relocate.ts';

const EVERY_MS = 10_000;
/** How long a repair may take before another gateway tries it. */
const REPAIR_LEASE_MS = 60_000;

export interface LockSweepOptions {
  sql: Sql;
  library: LibraryRoot;
  clock: Clock;
  logger: Logger;
}

/** Clears up after gateways that are gone: their locks' rows, and moves that they left in the middle. */
export class LockSweep implements Service {
  readonly name = 'lock sweep';
  readonly #options: LockSweepOptions;
  #end: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LockSweepOptions) {
    this.#options = options;
  }

  async start(_ctx: Ctx): Promise<void> {
    this.#end = this.#options.clock.every(EVERY_MS, () => void this.run());
    void this.run();
  }

  async stop(): Promise<void> {
    this.#end?.();
    await this.#running;
  }

  run(): Promise<void> {
    this.#running ??= this.#sweep().catch((error: unknown) => this.#options.logger.warn({ err: toError(error) }, 'file locks not swept')).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #sweep(): Promise<void> {
    const { sql, library, logger } = this.#options;
    const reads = await sweepReads(sql);
    if (reads > 0) logger.info({ reads }, 'read locks of dead gateways removed');
    for (const { ticket, move } of await claimAbandoned(sql, REPAIR_LEASE_MS)) {
      try {
        if (move !== null) await repairMove({ sql, library }, move);
        await endWrite(sql, ticket);
        logger.info({ ticket, ...move }, move === null ? 'abandoned request for a file removed' : 'abandoned move brought to its end');
      } catch (error) {
        logger.warn({ err: toError(error), ticket, ...move }, 'abandoned move not repaired; tried again later');
      }
    }
  }
}
