import type postgres from 'postgres';
import type { Queryable } from './db.ts';

/** A jsonb parameter. The value must be plain JSON data. */
export const jsonb = (sql: Queryable, value: unknown): postgres.Parameter => sql.json(value as postgres.JSONValue);
