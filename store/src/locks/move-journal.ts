/** The two names a file has while a gateway moves it, noted beside its lock: whoever finds the lock abandoned repairs from them. */
import type { Queryable, Tx } from '../db.ts';

export interface FileMove {
  videoId: string;
  /** Library paths. */
  from: string;
  to: string;
}

/** Before the second name is made. False when the lock is not held any more. */
export const noteMove = async (sql: Queryable, ticket: number, { videoId, from, to }: FileMove): Promise<boolean> => {
  const rows = await sql`
    update file_writes set video_id = ${videoId}, from_path = ${from}, to_path = ${to}
    where ticket = ${ticket} and state = 'held' and lease_until > clock_timestamp() returning 1`;
  return rows.length === 1;
};

/** In the transaction that stores the new path: readers need not wait until the old name is gone. */
export const noteMoved = async (tx: Tx, ticket: number): Promise<void> => {
  await tx`update file_writes set state = 'cleaning' where ticket = ${ticket}`;
};

/** Waits until no other transaction is changing the lock's row. */
export const awaitWriteRow = async (tx: Tx, ticket: number): Promise<void> => {
  await tx`select 1 from file_writes where ticket = ${ticket} for update`;
};

export interface AbandonedWrite {
  ticket: number;
  move: FileMove | null;
}

/**
 * Takes over what writers that are gone have left; theirs is fenced off by that. An attempt's request whose result is
 * being published is not abandoned: the publishing is repeated.
 */
export const claimAbandoned = async (sql: Queryable, leaseMs: number): Promise<AbandonedWrite[]> => {
  const rows = await sql<{ ticket: number; videoId: string | null; fromPath: string | null; toPath: string | null }[]>`
    update file_writes w set state = 'cleaning', lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
    where w.lease_until < clock_timestamp() and not exists (select 1 from publish_intents i where i.job_id = w.job_id and i.epoch = w.epoch)
    returning w.ticket, w.video_id, w.from_path, w.to_path`;
  return rows.map(({ ticket, videoId, fromPath, toPath }) => ({
    ticket, move: videoId === null || fromPath === null || toPath === null ? null : { videoId, from: fromPath, to: toPath },
  }));
};

/** Where a video's file is by its record, in the trash or not; null when there is no such video, or its file was gone. */
export const placeOf = async (sql: Queryable, videoId: string): Promise<string | null> => {
  const [row] = await sql<{ place: string | null }[]>`
    select case when deleted_at is null then path else trash_path end as place from videos where id = ${videoId}`;
  return row?.place ?? null;
};
