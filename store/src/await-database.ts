import { DatabaseProblem } from './database-problem.ts';
import type { Sql } from './db.ts';

export interface StartOptions {
  /** The address as it may be shown: without user and password. */
  shownUrl: string;
  waitMs: number;
  /** Waits; rejects when the start is called off. */
  pause: (ms: number) => Promise<void>;
}

/** What the statements need. */
const OLDEST_VERSION = 15;
const RETRY_MS = 250;

/**
 * Resolves when the server lets us in and is new enough. What waiting cannot mend fails at once.
 * @throws DatabaseProblem, or what `pause` rejects with
 */
export const awaitDatabase = async (sql: Sql, { shownUrl, waitMs, pause }: StartOptions): Promise<void> => {
  const untilMs = performance.now() + waitMs;
  for (;;) {
    try {
      await checkVersion(sql, shownUrl);
      return;
    } catch (error) {
      const final = finalProblem(error, shownUrl);
      if (final) throw final;
      if (performance.now() >= untilMs) throw unreachable(error, shownUrl, waitMs);
    }
    await pause(RETRY_MS);
  }
};

const checkVersion = async (sql: Sql, shownUrl: string): Promise<void> => {
  const [row] = await sql<{ number: number; shown: string }[]>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as shown`;
  if (row && Math.trunc(row.number / 10_000) < OLDEST_VERSION) {
    throw new DatabaseProblem('database_too_old', `Postgres at ${shownUrl} is version ${row.shown}; Reelay needs ${OLDEST_VERSION} or newer`);
  }
};

const finalProblem = (error: unknown, shownUrl: string): DatabaseProblem | null => {
  if (error instanceof DatabaseProblem) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (code.startsWith('28') || code.startsWith('SASL')) {
    return new DatabaseProblem('database_sign_in_refused', `Postgres at ${shownUrl} refuses the user or the password (${messageOf(error)}); check DATABASE_URL`, cause);
  }
  if (code === '3D000') return new DatabaseProblem('database_missing', `Postgres at ${shownUrl} has no such database (${messageOf(error)}); make it with createdb, or check DATABASE_URL`, cause);
  return null;
};

const unreachable = (error: unknown, shownUrl: string, waitMs: number): DatabaseProblem =>
  new DatabaseProblem('database_unreachable', `cannot reach Postgres at ${shownUrl} (waited ${waitMs / 1000} s): ${messageOf(error)}; start it, or check DATABASE_URL`, { cause: error });

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '');

/** An error of several addresses has no message of its own. */
const messageOf = (error: unknown): string => (error instanceof Error && error.message !== '' ? error.message : codeOf(error) || 'no answer');
