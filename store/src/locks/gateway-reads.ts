/**
 * The files that people read through a gateway. A gateway counts its viewers in memory and keeps one leased row per file:
 *
 *   (none) ──takeRead: no writer, or a viewer known already──▶ held ──renewReads, every few seconds──▶ held
 *                                                              │ └──dropReads──▶ (none)
 *                                                              └──lease over (the gateway is gone or stood still)──▶ as if it
 *                                                                 were not there; its renewal finds nothing, and it asks anew
 */
import { inTransaction, type Queryable, type Sql } from '../db.ts';
import { jsonb } from '../json.ts';
import { type VideoRow, videoColumns } from '../videos/row.ts';
import { type FileKey, serialise, videoFile } from './file-key.ts';
import { goesFirst, liveWrite, type WriteAction } from './holders.ts';

/** How many use a file through a gateway. */
export interface ReadCounts {
  /** Digests of the viewers. */
  viewers: string[];
  streams: number;
  downloads: number;
  sessions: number;
}

export interface ReadRequest {
  videoId: string;
  gateway: { id: string; name: string };
  /** Digest of whoever asks now; is among `counts.viewers`. */
  viewer: string;
  counts: ReadCounts;
  leaseMs: number;
}

export type ReadAnswer =
  /** Held; the row as of then, so that its path is right for as long as the lock lasts. */
  | { kind: 'held'; video: VideoRow }
  | { kind: 'blocked'; by: { action: WriteAction; actor: string; state: 'waiting' | 'held' } }
  /** No such video, or in the trash. */
  | { kind: 'gone' };

type Row = VideoRow & { blockState: 'waiting' | 'held' | null; blockAction: WriteAction; blockActor: string };

/**
 * Makes the gateway a reader of the video's file. A writer that has it, or waits for it, goes first; only a viewer who
 * reads it already, here or at another gateway, passes one that waits (unless that one has asked for the streams to end).
 */
export const takeRead = (sql: Sql, { videoId, gateway, viewer, counts, leaseMs }: ReadRequest): Promise<ReadAnswer> =>
  inTransaction(sql, async (tx): Promise<ReadAnswer> => {
    const file = videoFile(videoId);
    // Sent together, run one after the other: the second sees what others did before the first got through.
    const [, [row]] = await Promise.all([serialise(tx, [file]), tx<Row[]>`
      with video as (
        select ${videoColumns(tx)} from videos v where v.id = ${videoId} and v.deleted_at is null
      ), blocker as (
        select w.state as block_state, w.action as block_action, w.actor as block_actor from file_writes w
        where w.files && ${[file]}::text[] and ${liveWrite(tx)} and ${goesFirst(tx)} and (w.state = 'held' or w.reclaim or not exists (
          select 1 from file_reads r where r.file = ${file} and r.lease_until > clock_timestamp() and r.viewers @> ${[viewer]}::text[]))
        order by w.ticket limit 1
      ), taken as (
        insert into file_reads (file, gateway_id, gateway_name, viewers, streams, downloads, sessions, lease_until)
        select ${file}, ${gateway.id}, ${gateway.name}, ${counts.viewers}::text[], ${counts.streams}, ${counts.downloads}, ${counts.sessions},
          clock_timestamp() + ${leaseMs} * interval '1 millisecond'
        where exists (select 1 from video) and not exists (select 1 from blocker)
        on conflict (file, gateway_id) do update set viewers = excluded.viewers, streams = excluded.streams, downloads = excluded.downloads,
          sessions = excluded.sessions, lease_until = excluded.lease_until
        returning 1
      )
      select video.*, blocker.* from (select) as one left join video on true left join blocker on true left join taken on true`]);
    // A left join without a match: every column is null.
    if (row === undefined || (row.id as string | null) === null) return { kind: 'gone' };
    const { blockState, blockAction, blockActor, ...video } = row;
    return blockState === null ? { kind: 'held', video } : { kind: 'blocked', by: { action: blockAction, actor: blockActor, state: blockState } };
  });

export interface RenewedRead {
  file: FileKey;
  /** False: the lease was over. It is not held any more, and others may have moved the file. */
  renewed: boolean;
  /** A writer goes first: new viewers must wait behind it. */
  wanted: boolean;
  /** The streams must end: somebody who may has asked for the file. */
  reclaimed: boolean;
}

/** Renews all locks of a gateway in one statement, and tells which files are waited for. */
export const renewReads = async (sql: Queryable, gatewayId: string, reads: readonly ({ file: FileKey } & ReadCounts)[], leaseMs: number): Promise<RenewedRead[]> => {
  if (reads.length === 0) return [];
  return [...await sql<RenewedRead[]>`
    with told as (
      select * from jsonb_to_recordset(${jsonb(sql, reads)}::jsonb) as t(file text, viewers text[], streams integer, downloads integer, sessions integer)
    ), renewed as (
      update file_reads r set lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond',
        viewers = told.viewers, streams = told.streams, downloads = told.downloads, sessions = told.sessions
      from told where r.gateway_id = ${gatewayId} and r.file = told.file and r.lease_until > clock_timestamp() returning r.file
    ), waiting as (
      select unnest(w.files) as file, w.reclaim from file_writes w where ${goesFirst(sql)} and ${liveWrite(sql)}
    )
    select told.file, renewed.file is not null as renewed, count(waiting.file) > 0 as wanted, coalesce(bool_or(waiting.reclaim), false) as reclaimed
    from told left join renewed on renewed.file = told.file left join waiting on waiting.file = told.file
    group by told.file, renewed.file`];
};

/** Gives locks back. True when somebody waits for one of the files. */
export const dropReads = async (sql: Queryable, gatewayId: string, files: readonly FileKey[]): Promise<boolean> => {
  if (files.length === 0) return false;
  const [row] = await sql<{ awaited: boolean }[]>`
    with gone as (delete from file_reads where gateway_id = ${gatewayId} and file = any(${[...files]}::text[]))
    select exists (select 1 from file_writes w where w.state = 'waiting' and w.files && ${[...files]}::text[]) as awaited`;
  return row?.awaited ?? false;
};

/** Removes what gateways that are gone have left. Answers how many locks. */
export const sweepReads = async (sql: Queryable): Promise<number> => {
  // A margin, so that a gateway that was merely late finds its row and says so.
  const rows = await sql`delete from file_reads where lease_until < clock_timestamp() - interval '1 minute' returning 1`;
  return rows.length;
};
