import type { StartOptions } from './await-database.ts';
import { DatabaseProblem } from './database-problem.ts';
import type { Sql } from './db.ts';
import { migrationFiles, unknownMigrations } from './migrate.ts';

const RETRY_MS = 100;

/** Resolves when every migration of this release is applied, which the gateway does. @throws DatabaseProblem, or what `pause` rejects with */
export const waitForSchema = async (sql: Sql, folder: string, { waitMs, pause }: Pick<StartOptions, 'waitMs' | 'pause'>): Promise<void> => {
  const files = await migrationFiles(folder);
  const untilMs = performance.now() + waitMs;
  for (;;) {
    const applied = await appliedMigrations(sql);
    const newer = unknownMigrations(applied, files);
    if (newer !== null) throw newer;
    const missing = files.filter((name) => !applied.includes(name));
    if (missing.length === 0) return;
    if (performance.now() >= untilMs) {
      throw new DatabaseProblem('schema_missing', `the database lacks ${missing.length} of ${files.length} migrations of this release (waited ${waitMs / 1000} s); start a gateway of this release, which applies them`);
    }
    await pause(RETRY_MS);
  }
};

const appliedMigrations = async (sql: Sql): Promise<string[]> => {
  const [found] = await sql<{ exists: boolean }[]>`select to_regclass('schema_migrations') is not null as exists`;
  if (!found?.exists) return [];
  return (await sql<{ name: string }[]>`select name from schema_migrations`).map(({ name }) => name);
};
