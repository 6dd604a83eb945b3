import type { JobStatus, JobType } from '@reelay/contracts';
import type { Queryable } from '../db.ts';
import type { FileKey } from './file-key.ts';

export const WRITE_ACTIONS = ['rename', 'delete', 'restore', 'move', 'replace'] as const;
export type WriteAction = (typeof WRITE_ACTIONS)[number];

interface Held {
  /** The files of those asked about that it holds. */
  files: FileKey[];
  since: Date;
  /** The lock is over then, unless its holder renews it. */
  until: Date;
}

/** People who watch or fetch the file through one gateway. */
export interface GatewayHolder extends Held {
  kind: 'gateway';
  gatewayId: string;
  gatewayName: string;
  /** Digests of the people. */
  viewers: string[];
  streams: number;
  downloads: number;
  sessions: number;
}

/** An attempt of a job that reads the file. */
export interface JobHolder extends Held {
  kind: 'job';
  jobId: string;
  epoch: number;
  type: JobType;
  status: JobStatus;
  /** 0–100 as stored. */
  progress: number;
  nodeId: string | null;
}

/** Somebody who has the file alone, or waits for that. */
export interface WriteHolder extends Held {
  kind: 'writer';
  ticket: number;
  state: 'waiting' | 'held';
  action: WriteAction;
  actor: string;
  jobId: string | null;
}

export type FileHolder = GatewayHolder | JobHolder | WriteHolder;

export interface HoldersQuery {
  /** Null: of every file. */
  files: readonly FileKey[] | null;
  /** Writers with this ticket or a later one are left out: they are behind the one that asks. */
  beforeTicket?: number | undefined;
  /** Rows that count although their lease is over: the caller has just removed those that were. */
  expiredReads?: boolean | undefined;
}

/** Condition on a text[] column: it shares a file with those asked about. */
const shares = (sql: Queryable, column: 'reads' | 'files', files: readonly FileKey[] | null) =>
  files === null ? sql`cardinality(${sql(column)}) > 0` : sql`${sql(column)} && ${[...files]}::text[]`;

/** A writer is there while its lease lasts, or while its result is being published: that is repeated until it is over. */
export const liveWrite = (sql: Queryable) => sql`
  (w.lease_until > clock_timestamp() or exists (select 1 from publish_intents i where i.job_id = w.job_id and i.epoch = w.epoch))`;

/**
 * A writer goes before newcomers when it has the file, when it has asked for the streams to end, and for the first half
 * minute of its wait: else a popular film could never be moved. After that it takes its chance, for a job may wait for an
 * hour, and nobody should be kept from the film for so long.
 */
export const goesFirst = (sql: Queryable) => sql`
  (w.state = 'held' or (w.state = 'waiting' and (w.reclaim or w.since > clock_timestamp() - interval '30 seconds')))`;

/** Everybody who uses the files, as of now; readers first. */
export const readHolders = async (sql: Queryable, query: HoldersQuery): Promise<FileHolder[]> => {
  const { files, beforeTicket = null, expiredReads = false } = query;
  const [gateways, jobs, writers] = await Promise.all([
    sql<GatewayHolder[]>`
      select 'gateway' as kind, array[file] as files, gateway_id, gateway_name, viewers, streams, downloads, sessions, since, lease_until as until from file_reads
      where ${files === null ? sql`true` : sql`file = any(${[...files]}::text[])`} and ${expiredReads ? sql`true` : sql`lease_until > clock_timestamp()`}
      order by since, gateway_id`,
    sql<JobHolder[]>`
      select 'job' as kind, a.reads as files, j.id as job_id, j.epoch, j.type, j.status, j.progress, j.node_id, coalesce(a.started_at, a.placed_at) as since, j.lease_until as until
      from attempts a join jobs j on j.id = a.job_id and j.epoch = a.epoch
      where a.released_at is null and ${shares(sql, 'reads', files)} and j.lease_until > clock_timestamp() order by a.placed_at, j.id`,
    sql<WriteHolder[]>`
      select 'writer' as kind, w.files, w.ticket, w.state, w.action, w.actor, w.job_id, w.since, w.lease_until as until from file_writes w
      where w.state in ('waiting', 'held') and ${shares(sql, 'files', files)} and ${liveWrite(sql)}
        and (${beforeTicket}::bigint is null or w.ticket < ${beforeTicket}::bigint or (w.state = 'held' and w.ticket <> ${beforeTicket}::bigint))
      order by w.ticket`,
  ]);
  return [...gateways, ...jobs, ...writers];
};
