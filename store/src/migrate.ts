import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sql } from './db.ts';

/** Any fixed number: the advisory lock under which one process at a time migrates. */
const MIGRATION_LOCK = 7_335_529;

export class MigrationError extends Error {
  readonly code = 'migration_failed';
  constructor(readonly file: string, reason: string, options?: ErrorOptions) {
    super(`Migration ${file}: ${reason}`, options);
    this.name = 'MigrationError';
  }
}

/**
 * Applies every `NNN_name.sql` of `folder` that was not applied yet, in order, each with its record in one transaction.
 * Safe to call from several processes at once. Returns the names applied now.
 * @throws MigrationError when a file fails, or when an applied file was changed afterwards
 */
export const migrate = async (sql: Sql, folder: string): Promise<string[]> => {
  const files = (await readdir(folder)).filter((name) => /^\d{3}_[a-z0-9_]+\.sql$/.test(name)).toSorted();
  const applied: string[] = [];
  // The driver never answers a reserve that opens the first connection when it looks up no types.
  await sql`select 1`;
  const connection = await sql.reserve();
  try {
    await connection`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await connection`
      create table if not exists schema_migrations (
        name text primary key, sha256 text not null, applied_at timestamptz not null default now()
      )`;
    const rows = await connection<{ name: string; sha256: string }[]>`select name, sha256 from schema_migrations`;
    const known = new Map(rows.map((row) => [row.name, row.sha256]));
    for (const name of files) {
      const text = await readFile(join(folder, name), 'utf8');
      const sha256 = createHash('sha256').update(text).digest('hex');
      const before = known.get(name);
      if (before === sha256) continue;
      if (before !== undefined) throw new MigrationError(name, 'was changed after it had been applied');
      await applyOne(connection, name, text, sha256);
      applied.push(name);
    }
    return applied;
  } finally {
    await connection`select pg_advisory_unlock(${MIGRATION_LOCK})`.catch(() => undefined);
    connection.release();
  }
};

const applyOne = async (connection: Awaited<ReturnType<Sql['reserve']>>, name: string, text: string, sha256: string): Promise<void> => {
  try {
    await connection.unsafe('begin').simple();
    await connection.unsafe(text).simple();
    await connection`insert into schema_migrations (name, sha256) values (${name}, ${sha256})`;
    await connection.unsafe('commit').simple();
  } catch (error) {
    await connection.unsafe('rollback').simple();
    throw new MigrationError(name, error instanceof Error ? error.message : String(error), { cause: error });
  }
};
