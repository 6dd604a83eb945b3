import postgres from 'postgres';
import { storableJson } from './json.ts';
import { arrayTypes } from './pg-array.ts';

export type Sql = postgres.Sql;
export type Tx = postgres.TransactionSql;
/** A statement runs on the pool or inside a transaction; both have the same call shape. */
export type Queryable = postgres.ISql;

export interface DatabaseOptions {
  /** postgres://… */
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  maxConnections?: number;
  /** A transaction whose process says nothing for so long is ended. Default 15 s. */
  idleInTransactionMs?: number;
  onNotice?: (message: string) => void;
}

/**
 * Opens a pool. Columns arrive in camelCase, bigint as number (ids and sizes here stay below 2^53), and a statement
 * ends after 30 s, so that a lost network never hangs a caller for ever. A process that is frozen in the middle of a
 * transaction loses its locks: else the lease row it has read would keep every successor waiting.
 */
export const openDatabase = (options: DatabaseOptions): Sql =>
  postgres(options.url, {
    max: options.maxConnections ?? 10,
    connect_timeout: 5,
    idle_timeout: 300,
    // Column names only: postgres.camel would also rewrite the keys inside jsonb values.
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel }, undefined: null },
    // Fixed oids, registered here: looking them up costs a query per connection, whose failure nobody could catch.
    fetch_types: false,
    types: {
      ...arrayTypes,
      json: { to: 114, from: [114, 3802], serialize: storableJson, parse: (text: string): unknown => JSON.parse(text) },
      bigint: { to: 20, from: [20], parse: (text: string) => Number(text), serialize: (value: number) => String(value) },
    },
    connection: { application_name: options.applicationName, statement_timeout: 30_000, idle_in_transaction_session_timeout: options.idleInTransactionMs ?? 15_000, TimeZone: 'UTC' },
    onnotice: (notice) => options.onNotice?.(notice.message ?? ''),
  });

/** Runs `work` in one transaction; rolls back when it throws. */
export const inTransaction = async <T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> => {
  // postgres.js unwraps arrays of promises in its result type; a function that returns T gives T back.
  let result: { value: T } | undefined;
  await sql.begin(async (tx) => {
    result = { value: await work(tx) };
  });
  if (result === undefined) throw new Error('transaction ended without a result');
  return result.value;
};

/**
 * True when Postgres will never take what it was given: data that does not fit (22), a constraint (23), larger than an
 * index takes (54), not possible at all (0A, 21, 42). Anything else may pass: the server is away, a deadlock, a full disk.
 */
export const isUnstorable = (thrown: unknown): thrown is Error =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && /^(0A|2[123]|42|54)[0-9A-Z]{3}$/.test(thrown.code);
