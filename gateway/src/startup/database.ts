import { type Clock, type Ctx, type Logger, redactUrl, sleep, unlessCancelled } from '@reelay/runtime';
import { awaitDatabase, migrate, type Sql } from '@reelay/store';

export interface DatabaseStart {
  sql: Sql;
  url: string;
  migrationsDir: string;
  waitSeconds: number;
  ctx: Ctx;
  clock: Clock;
  logger: Logger;
}

/**
 * Waits for the server and brings the schema up to date.
 * @throws DatabaseProblem, MigrationError, or the cause when `ctx` ends
 */
export const prepareDatabase = async ({ sql, url, migrationsDir, waitSeconds, ctx, clock, logger }: DatabaseStart): Promise<void> => {
  // The pool is closed when the start is called off; what is being asked then fails with it.
  await unlessCancelled(ctx, awaitDatabase(sql, { shownUrl: redactUrl(url), waitMs: waitSeconds * 1000, pause: (ms) => sleep(ctx, clock, ms) }));
  const applied = await unlessCancelled(ctx, migrate(sql, migrationsDir));
  if (applied.length > 0) logger.info({ applied }, 'schema migrated');
};
