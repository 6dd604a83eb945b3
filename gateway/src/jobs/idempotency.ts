import { createHash } from 'node:crypto';
import { claimKey, finishKey, type IdempotencyKey, type Queryable, releaseKey, type Sql } from '@reelay/store';
import type { RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';

const HEADER = 'idempotency-key';
const MAX_KEY = 200;

/** What a creating request stores with its change. */
export interface FirstAnswer {
  /** Stores the answer; call it in the transaction of the change. */
  keep(sql: Queryable, status: number, body: unknown): Promise<void>;
}

export interface OnceOptions<T> {
  /** User id. */
  owner: string;
  /** Tells requests with the same key apart. */
  bodyDigest: string;
  /** The first answer again. */
  replay: (body: unknown) => T;
}

/**
 * Runs `create` once per Idempotency-Key: a repeat gets the first answer. `create` must call `keep` in its transaction.
 * @throws HttpProblem idempotency_conflict (409)
 */
export const once = async <T>(sql: Sql, c: RequestContext, options: OnceOptions<T>, create: (first: FirstAnswer) => Promise<T>): Promise<T> => {
  const header = c.req.header(HEADER);
  if (header === undefined) return create({ keep: async () => {} });
  if (header.length === 0 || header.length > MAX_KEY) throw new HttpProblem('invalid_request', `Idempotency-Key may have 1 to ${MAX_KEY} characters`);
  const url = new URL(c.req.url);
  const requestHash = createHash('sha256').update(`${c.req.method}\n${url.pathname}${url.search}\n${options.bodyDigest}`).digest('hex');
  const key: IdempotencyKey = { owner: options.owner, key: header, requestHash };
  const claim = await claimKey(sql, key);
  switch (claim.kind) {
    case 'claimed': break;
    case 'replay':
      c.header('idempotent-replay', 'true');
      return options.replay(claim.response);
    case 'in_progress': throw new HttpProblem('idempotency_conflict', 'The first request with this Idempotency-Key is still being worked on', { headers: { 'retry-after': '1' } });
    case 'mismatch': throw new HttpProblem('idempotency_conflict', 'This Idempotency-Key was used for another request');
  }
  try {
    return await create({ keep: (tx, status, body) => finishKey(tx, key, status, body) });
  } catch (error) {
    await releaseKey(sql, key).catch(() => undefined);
    throw error;
  }
};

/** Digest of a JSON body that was read already. */
export const digestOf = (body: unknown): string => createHash('sha256').update(JSON.stringify(body) ?? '').digest('hex');
