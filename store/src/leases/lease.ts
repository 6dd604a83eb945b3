import type { Sql, Tx } from '../db.ts';

/** The right to act as the one holder of `name`. `term` grows with each change of holder and fences every write. */
export interface Lease {
  name: string;
  holder: string;
  term: number;
}

/** Another process leads, or the lease ran out: nothing was written. */
export class LeaseLostError extends Error {
  readonly code = 'lease_lost';
  constructor(readonly lease: Lease) {
    super(`the lease ${lease.name} of term ${lease.term} is not held any more`);
    this.name = 'LeaseLostError';
  }
}

/** Takes the lease when it is free or has run out; null when another holds it. */
export const acquireLease = async (sql: Sql, name: string, holder: string, ttlMs: number): Promise<Lease | null> => {
  const [row] = await sql<Lease[]>`
    insert into leases as l (name, holder, term, expires_at)
    values (${name}, ${holder}, 1, clock_timestamp() + ${ttlMs} * interval '1 millisecond')
    on conflict (name) do update
      set holder = excluded.holder, term = l.term + 1, expires_at = excluded.expires_at
      where l.expires_at <= clock_timestamp()
    returning name, holder, term`;
  return row ?? null;
};

/** False when the lease is not this holder's any more. */
export const renewLease = async (sql: Sql, lease: Lease, ttlMs: number): Promise<boolean> => {
  const rows = await sql`
    update leases set expires_at = clock_timestamp() + ${ttlMs} * interval '1 millisecond'
    where name = ${lease.name} and holder = ${lease.holder} and term = ${lease.term} and expires_at > clock_timestamp()
    returning 1`;
  return rows.length === 1;
};

/** Gives the lease back, so that another can take it at once. The row stays: its term must keep growing. */
export const resignLease = async (sql: Sql, lease: Lease): Promise<void> => {
  await sql`
    update leases set expires_at = clock_timestamp()
    where name = ${lease.name} and holder = ${lease.holder} and term = ${lease.term} and expires_at > clock_timestamp()`;
};

/** Gives the lease back for good: for names that nobody ever takes again once their work is done. */
export const dropLease = async (sql: Sql, lease: Lease): Promise<void> => {
  await sql`delete from leases where name = ${lease.name} and holder = ${lease.holder} and term = ${lease.term}`;
};

/** Forgets leases below `prefix` that ran out longer ago than `olderThanMs`. Answers how many. */
export const forgetLeases = async (sql: Sql, prefix: string, olderThanMs: number): Promise<number> =>
  (await sql`delete from leases where starts_with(name, ${prefix}) and expires_at < clock_timestamp() - ${olderThanMs} * interval '1 millisecond'`).count;

/**
 * First statement of every leader transaction. The share lock makes a successor wait until the transaction has ended.
 * @throws LeaseLostError
 */
export const requireLease = async (tx: Tx, lease: Lease): Promise<void> => {
  const rows = await tx`
    select 1 from leases
    where name = ${lease.name} and holder = ${lease.holder} and term = ${lease.term} and expires_at > clock_timestamp()
    for share`;
  if (rows.length === 0) throw new LeaseLostError(lease);
};
