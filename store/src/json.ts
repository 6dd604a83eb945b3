import type postgres from 'postgres';
import type { Queryable } from './db.ts';

/** A jsonb parameter. The value must be plain JSON data. */
export const jsonb = (sql: Queryable, value: unknown): postgres.Parameter => sql.json(value as postgres.JSONValue);

/** What jsonb refuses: NUL, and halves of surrogate pairs (a text cut in the middle of an emoji). JSON.stringify escapes exactly these. */
const NOT_STORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON text that jsonb takes: characters it cannot hold become U+FFFD. */
export const storableJson = (value: unknown): string => JSON.stringify(value ?? null).replaceAll(NOT_STORABLE, '$1\uFFFD');
