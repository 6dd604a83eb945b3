/**
 * Having files alone, to rename, delete, restore, move or replace them.
 *
 *   requestWrite ──nobody uses them──▶ held ──(moved, record changed)──▶ cleaning ──old name gone──▶ (none)
 *        │                              ▲ └──undone──▶ (none)
 *        ├──in use, wait──▶ waiting ──free, and no earlier ticket waits for one of them
 *        │                     └──time over, client gone──▶ (none)
 *        └──in use, no wait──▶ refused, naming the holders
 *
 * All files of a request are taken together or not at all, and the smallest ticket goes first: two requests for files of
 * each other never block one another. A lease that is over frees the files; what a dead writer of a gateway left half
 * done is found by its row (claimAbandoned). The row of a job's writer lives as long as its publish intent.
 */
import { inTransaction, type Queryable, type Sql, type Tx } from '../db.ts';
import { type FileKey, serialise } from './file-key.ts';
import { type FileHolder, readHolders, type WriteAction } from './holders.ts';

export interface WriteRequest {
  files: readonly FileKey[];
  action: WriteAction;
  actor: string;
  /** The attempt on whose behalf it is; asking again goes on with its first request. */
  attempt?: { jobId: string; epoch: number } | undefined;
}

export type WriteAnswer =
  | { kind: 'held'; ticket: number }
  | { kind: 'waiting'; ticket: number; since: Date; holders: FileHolder[] }
  | { kind: 'refused'; holders: FileHolder[] };

/** The lease was over, or the request is gone: somebody else may use the files by now. */
export class WriteLockLost extends Error {
  readonly code = 'write_lock_lost';
  constructor(readonly ticket: number) {
    super(`the files of ticket ${ticket} are not held any more`);
    this.name = 'WriteLockLost';
  }
}

interface Row {
  ticket: number;
  state: 'waiting' | 'held' | 'cleaning';
  since: Date;
}

/**
 * Who is in the way, with the files serialised. A lock whose lease is over is removed, or its job's row waited for, so
 * that a renewal which is on its way at this very moment counts.
 */
const inTheWay = async (tx: Tx, files: readonly FileKey[], ticket: number | undefined): Promise<FileHolder[]> => {
  await tx`delete from file_reads where file = any(${[...files]}::text[]) and lease_until <= clock_timestamp()`;
  await tx`
    select 1 from jobs j where j.lease_until <= clock_timestamp() and exists (
      select 1 from attempts a where a.job_id = j.id and a.epoch = j.epoch and a.released_at is null and a.reads && ${[...files]}::text[])
    for share of j`;
  return readHolders(tx, { files, beforeTicket: ticket, expiredReads: true });
};

const leaseEnd = (sql: Queryable, leaseMs: number) => sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`;

/** Asks for files, once or (a waiting one) again. `wait` false: in use means refused, and nothing is left behind. */
export const requestWrite = (sql: Sql, request: WriteRequest, options: { wait: boolean; leaseMs: number }): Promise<WriteAnswer> =>
  inTransaction(sql, async (tx): Promise<WriteAnswer> => {
    const { files, action, actor, attempt } = request;
    await serialise(tx, files);
    const [before] = attempt === undefined ? [] : await tx<Row[]>`
      update file_writes set files = ${[...files]}::text[], lease_until = ${leaseEnd(tx, options.leaseMs)},
        -- Held by a scheduler that died: others may have come since, so it asks like anybody, in its place in line.
        state = case when state = 'held' and lease_until <= clock_timestamp() then 'waiting' else state end
      where job_id = ${attempt.jobId} and epoch = ${attempt.epoch} returning ticket, state, since`;
    if (before !== undefined && before.state !== 'waiting') return { kind: 'held', ticket: before.ticket };
    const holders = await inTheWay(tx, files, before?.ticket);
    if (holders.length > 0 && !options.wait) {
      if (before !== undefined) await tx`delete from file_writes where ticket = ${before.ticket}`;
      return { kind: 'refused', holders };
    }
    const state = holders.length === 0 ? 'held' : 'waiting';
    const [row] = before === undefined
      ? await tx<Row[]>`
          insert into file_writes (files, state, action, actor, job_id, epoch, lease_until)
          values (${[...files]}::text[], ${state}, ${action}, ${actor}, ${attempt?.jobId ?? null}, ${attempt?.epoch ?? null}, ${leaseEnd(tx, options.leaseMs)})
          returning ticket, state, since`
      : await tx<Row[]>`update file_writes set state = ${state} where ticket = ${before.ticket} returning ticket, state, since`;
    if (row === undefined) throw new WriteLockLost(before?.ticket ?? 0);
    return holders.length === 0 ? { kind: 'held', ticket: row.ticket } : { kind: 'waiting', ticket: row.ticket, since: row.since, holders };
  });

/** Asks again for what a ticket waits for, and renews its lease. @throws WriteLockLost when its lease was over */
export const retryWrite = (sql: Sql, ticket: number, leaseMs: number): Promise<Exclude<WriteAnswer, { kind: 'refused' }>> =>
  inTransaction(sql, async (tx) => {
    const [known] = await tx<{ files: FileKey[] }[]>`select files from file_writes where ticket = ${ticket}`;
    if (known === undefined) throw new WriteLockLost(ticket);
    await serialise(tx, known.files);
    const [row] = await tx<Row[]>`
      update file_writes set lease_until = ${leaseEnd(tx, leaseMs)}
      where ticket = ${ticket} and lease_until > clock_timestamp() returning ticket, state, since`;
    if (row === undefined) throw new WriteLockLost(ticket);
    const holders = row.state === 'waiting' ? await inTheWay(tx, known.files, ticket) : [];
    if (holders.length > 0) return { kind: 'waiting', ticket, since: row.since, holders };
    await tx`update file_writes set state = 'held' where ticket = ${ticket} and state = 'waiting'`;
    return { kind: 'held', ticket };
  });

/** Asks that the streams which read the files end. Never ends a job. */
export const reclaimReads = async (sql: Queryable, ticket: number): Promise<void> => {
  await sql`update file_writes set reclaim = true where ticket = ${ticket} and state = 'waiting'`;
};

/** The fence of a change: first statement of the transaction in which it is stored. @throws WriteLockLost */
export const requireWrite = async (tx: Tx, ticket: number): Promise<void> => {
  const rows = await tx`select 1 from file_writes where ticket = ${ticket} and state = 'held' and lease_until > clock_timestamp() for update`;
  if (rows.length === 0) throw new WriteLockLost(ticket);
};

/** Gives the files back, or stops waiting for them. True when others wait. */
export const endWrite = async (sql: Queryable, ticket: number): Promise<boolean> => {
  const [row] = await sql<{ awaited: boolean }[]>`
    with gone as (delete from file_writes where ticket = ${ticket} returning files)
    select exists (select 1 from file_writes w, gone where w.state = 'waiting' and w.ticket <> ${ticket} and w.files && gone.files) as awaited`;
  return row?.awaited ?? false;
};

/** As endWrite, of an attempt's request; in the transaction that ends its publishing. */
export const endAttemptWrite = async (tx: Tx, { jobId, epoch }: { jobId: string; epoch: number }): Promise<void> => {
  await tx`delete from file_writes where job_id = ${jobId} and epoch = ${epoch}`;
};
