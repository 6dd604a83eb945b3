import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseProblem } from './database-problem.ts';
import type { Sql } from './db.ts';

/** Any fixed number: the advisory lock under which one process at a time migrates. */
const MIGRATION_LOCK = 7_335_529;

export class MigrationError extends Error {
  readonly code = 'migration_failed';
  /** A person has to look at it: EX_CONFIG of sysexits(3). */
  readonly serviceExit = 78;
  constructor(readonly file: string, reason: string, options?: ErrorOptions) {
    super(`Migration ${file}: ${reason}`, options);
    this.name = 'MigrationError';
  }
}

/** The names of the migrations in a folder, in order. @throws MigrationError when it cannot be read or holds none */
export const migrationFiles = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new MigrationError(folder, 'the folder cannot be read; check REELAY_MIGRATIONS_DIR', { cause: error });
  });
  const files = names.filter((name) => /^\d{3}_[a-z0-9_]+\.sql$/.test(name)).toSorted();
  if (files.length === 0) throw new MigrationError(folder, 'the folder holds no migration; check REELAY_MIGRATIONS_DIR');
  return files;
};

/** The problem when migrations are applied that this release does not have: a newer one has been here. */
export const unknownMigrations = (applied: readonly string[], files: readonly string[]): DatabaseProblem | null => {
  const unknown = applied.filter((name) => !files.includes(name)).toSorted();
  if (unknown.length === 0) return null;
  return new DatabaseProblem('schema_newer', `the database was brought up to date by a newer release of Reelay (${unknown.join(', ')}); start that release, or restore a backup from before`);
};

/**
 * Applies every `NNN_name.sql` of `folder` that was not applied yet, in order, each with its record in one transaction.
 * Safe to call from several processes at once. Returns the names applied now.
 * @throws MigrationError when a file fails, or when an applied file was changed afterwards
 * @throws DatabaseProblem when the schema is newer than this release
 */
export const migrate = async (sql: Sql, folder: string): Promise<string[]> => {
  const files = await migrationFiles(folder);
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
    const newer = unknownMigrations([...known.keys()], files);
    if (newer !== null) throw newer;
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
