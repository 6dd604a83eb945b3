import { type Clock, type Ctx, type LibraryRoot, type Logger, type Service, toError } from '@reelay/runtime';
import { deleteExpiredTokens, deleteOldKeys, forgetLeases, type Sql, unknownPaths } from '@reelay/store';
import { UPLOAD_LEASE } from '../uploads/upload-locks.ts';
import { UploadStore } from '../videos/tus-store.ts';
import { sweepUploadParts } from './library.ts';

const EVERY_MS = 600_000;

export interface MaintenanceOptions {
  sql: Sql;
  library: LibraryRoot;
  clock: Clock;
  logger: Logger;
  keepUploadsMs: () => number;
}

/** Removes what has run out: sign-ins, kept answers, unfinished uploads. At the start and every ten minutes. */
export class Maintenance implements Service {
  readonly name = 'maintenance';
  readonly #options: MaintenanceOptions;
  #end: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  async start(_ctx: Ctx): Promise<void> {
    const run = () => {
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
    };
    this.#end = this.#options.clock.every(EVERY_MS, run);
    run();
  }

  async stop(): Promise<void> {
    this.#end?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { sql, library, clock, logger, keepUploadsMs } = this.#options;
    try {
      const uploads = await new UploadStore(library, keepUploadsMs()).deleteExpired();
      const parts = await sweepUploadParts(library, clock.now().getTime(), (paths) => unknownPaths(sql, paths));
      const tokens = await deleteExpiredTokens(sql);
      const keys = await deleteOldKeys(sql);
      await forgetLeases(sql, UPLOAD_LEASE, keepUploadsMs());
      if (uploads + parts + tokens + keys > 0) logger.info({ uploads, parts, tokens, keys }, 'old things removed');
    } catch (error) {
      logger.warn({ err: toError(error) }, 'maintenance failed; tried again later');
    }
  }
}
