import type { Queryable, Tx } from '../db.ts';
import { jsonb } from '../json.ts';

/** `hub`: a line of the scheduler or gateway. `marker`: stands alone on its line, without a time. */
export type LogStream = 'job' | 'ffmpeg' | 'stderr' | 'hub' | 'marker';
export interface StoredLine {
  /** ISO 8601 UTC. */
  at: string;
  stream: LogStream;
  text: string;
}

export interface HubLine {
  text: string;
  marker?: boolean;
}

/** The agent counts its lines from 0; the hub's own stand below 0 (before the attempt's) or from 2^40 (after them). */
const BEFORE = -1_000_000_000;
const AFTER = 2 ** 40;

/** Appends lines of the hub to an attempt's log, before or after the agent's own. */
export const appendHubLog = async (tx: Tx, jobId: string, epoch: number, where: 'before' | 'after', lines: readonly HubLine[]): Promise<void> => {
  if (lines.length === 0) return;
  const [from, to] = where === 'before' ? [BEFORE, -1] : [AFTER, Number.MAX_SAFE_INTEGER];
  const stored = lines.map(({ text, marker = false }) => ({ stream: marker ? 'marker' : 'hub', text }));
  await tx`
    insert into job_log_chunks (job_id, epoch, line_offset, lines)
    select ${jobId}, ${epoch},
      coalesce((select max(line_offset + jsonb_array_length(lines)) from job_log_chunks
                where job_id = ${jobId} and epoch = ${epoch} and line_offset between ${from} and ${to}), ${from}),
      (select jsonb_agg(line || jsonb_build_object('at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
       from jsonb_array_elements(${jsonb(tx, stored)}::jsonb) as line)`;
};

/**
 * Stores a batch an agent sent; a batch sent twice is stored once.
 * False when the attempt was never this node's: the lines are refused.
 */
export const appendAgentLog = async (
  sql: Queryable, nodeId: string, batch: { jobId: string; epoch: number; offset: number; lines: readonly { at: string; stream: string; text: string }[] },
): Promise<boolean> => {
  const rows = await sql<{ known: boolean }[]>`
    with attempt as (
      select job_id, epoch from attempts where job_id = ${batch.jobId} and epoch = ${batch.epoch} and node_id = ${nodeId}
    ), stored as (
      insert into job_log_chunks (job_id, epoch, line_offset, lines)
      select job_id, epoch, ${batch.offset}, ${jsonb(sql, batch.lines)}::jsonb from attempt
      on conflict (job_id, epoch, line_offset) do nothing
    )
    select exists (select 1 from attempt) as known`;
  return rows[0]?.known ?? false;
};
