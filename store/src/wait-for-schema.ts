import type { Sql } from './db.ts';

/** Postgres is not there, or nobody has applied the migrations. */
export class DatabaseNotReadyError extends Error {
  readonly code = 'database_not_ready';
  constructor(waitedMs: number, cause: unknown) {
    super(`the database is not ready after ${waitedMs} ms`, { cause });
    this.name = 'DatabaseNotReadyError';
  }
}

const RETRY_MS = 100;

/** Resolves when the tables are there: the gateway applies the migrations. @throws DatabaseNotReadyError */
export const waitForSchema = async (sql: Sql, waitMs: number): Promise<void> => {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      await sql`select 1 from jobs, leases limit 1`;
      return;
    } catch (error) {
      if (performance.now() > deadline) throw new DatabaseNotReadyError(waitMs, error);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
    });
  }
};
