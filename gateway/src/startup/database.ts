import { type Clock, delay, type Logger, ReelayError, redactUrl, toError } from '@reelay/runtime';
import { migrate, MigrationError, openDatabase, type Sql } from '@reelay/store';

/** Postgres did not answer in the time given. */
class DatabaseUnreachable extends ReelayError {
  readonly code = 'database_unreachable';
  constructor(url: string, waitedSeconds: number, cause: Error) {
    super(`cannot reach Postgres at ${redactUrl(url)} (waited ${waitedSeconds} s): ${cause.message}`, { waitedSeconds }, cause);
  }
}

const RETRY_MS = 250;

/** Opens the pool, waits for the server and brings the schema up to date. @throws DatabaseUnreachable, MigrationError */
export const connectDatabase = async (options: { url: string; migrationsDir: string; waitSeconds: number; clock: Clock; logger: Logger }): Promise<Sql> => {
  const { url, migrationsDir, waitSeconds, clock, logger } = options;
  const sql = openDatabase({ url, applicationName: 'reelay-gateway', maxConnections: 16, onNotice: (message) => logger.debug({ message }, 'postgres notice') });
  const untilMs = clock.monotonicMs() + waitSeconds * 1000;
  for (;;) {
    try {
      await sql`select 1`;
      break;
    } catch (error) {
      if (clock.monotonicMs() >= untilMs) {
        await sql.end({ timeout: 0 });
        throw new DatabaseUnreachable(url, waitSeconds, toError(error));
      }
      await delay(clock, RETRY_MS);
    }
  }
  try {
    const applied = await migrate(sql, migrationsDir);
    if (applied.length > 0) logger.info({ applied }, 'schema migrated');
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error instanceof MigrationError ? error : new Error(`cannot migrate the database: ${toError(error).message}`, { cause: error });
  }
  return sql;
};
