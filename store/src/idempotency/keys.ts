/**
 * Answers to creating requests, kept per (owner, key), so that a repeat gets the first answer and makes nothing new.
 *
 *   (none) ──claim──▶ open ──finish──▶ answered ──claim──▶ replay
 *                      │ └─release (the request failed)──▶ (none)
 *                      └─ older than a minute: its process died; the next claim takes it over
 */
import type { Queryable } from '../db.ts';
import { jsonb } from '../json.ts';

export interface IdempotencyKey {
  /** User id: keys of different users never meet. */
  owner: string;
  key: string;
  /** Hash of method, path and body: the same key with another request is a mistake. */
  requestHash: string;
}

export type Claim =
  | { kind: 'claimed' }
  | { kind: 'replay'; status: number; response: unknown }
  | { kind: 'in_progress' }
  | { kind: 'mismatch' };

/** Takes the key for one request. */
export const claimKey = async (sql: Queryable, key: IdempotencyKey): Promise<Claim> => {
  const [mine] = await sql`
    insert into idempotency_keys (owner, key, request_hash) values (${key.owner}, ${key.key}, ${key.requestHash})
    on conflict (owner, key) do update set created_at = now(), request_hash = excluded.request_hash
      where idempotency_keys.status is null and idempotency_keys.created_at < now() - interval '1 minute'
    returning key`;
  if (mine !== undefined) return { kind: 'claimed' };
  const [row] = await sql<{ requestHash: string; status: number | null; response: unknown }[]>`
    select request_hash, status, response from idempotency_keys where owner = ${key.owner} and key = ${key.key}`;
  // Released between the two statements: the other request failed, this one may be sent again.
  if (row === undefined) return { kind: 'in_progress' };
  if (row.requestHash !== key.requestHash) return { kind: 'mismatch' };
  return row.status === null ? { kind: 'in_progress' } : { kind: 'replay', status: row.status, response: row.response };
};

/** Stores the answer; in the transaction of the change it answers, so that both exist or neither. */
export const finishKey = async (sql: Queryable, key: IdempotencyKey, status: number, response: unknown): Promise<void> => {
  await sql`
    update idempotency_keys set status = ${status}, response = ${jsonb(sql, response)}
    where owner = ${key.owner} and key = ${key.key} and request_hash = ${key.requestHash}`;
};

/**
 * Stores the answer of a change that was made under no claim, in its transaction; whoever does the same at once waits
 * for this one. False: the change was made before, so this transaction must not be committed.
 */
export const keepAnswer = async (sql: Queryable, { owner, key, requestHash }: IdempotencyKey, status: number, response: unknown): Promise<boolean> => {
  const rows = await sql`
    insert into idempotency_keys (owner, key, request_hash, status, response) values (${owner}, ${key}, ${requestHash}, ${status}, ${jsonb(sql, response)})
    on conflict (owner, key) do nothing returning key`;
  return rows.length === 1;
};

/** The stored answer; undefined when there is none. */
export const readAnswer = async (sql: Queryable, owner: string, key: string): Promise<unknown> => {
  const [row] = await sql<{ response: unknown }[]>`select response from idempotency_keys where owner = ${owner} and key = ${key} and status is not null`;
  return row?.response;
};

/** Gives an unanswered key back. */
export const releaseKey = async (sql: Queryable, key: IdempotencyKey): Promise<void> => {
  await sql`delete from idempotency_keys where owner = ${key.owner} and key = ${key.key} and status is null`;
};

/** Forgets answers older than a day. */
export const deleteOldKeys = async (sql: Queryable): Promise<number> =>
  (await sql`delete from idempotency_keys where created_at < now() - interval '1 day'`).count;
