import type { WorkOrder } from '@reelay/contracts';
import type { Queryable } from '../db.ts';
import { jsonb } from '../json.ts';
import type { JobRow } from './row.ts';
import type { AttemptOutcome } from './booking.ts';

/** A row of `attempts`. */
export interface AttemptRow {
  jobId: string;
  epoch: number;
  nodeId: string;
  incarnation: string;
  deviceId: string;
  workOrder: WorkOrder | null;
  placedAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  releasedAt: Date | null;
  outcome: AttemptOutcome | null;
  errorCode: string | null;
  errorMessage: string | null;
}

/** What an agent says of itself when it speaks about an attempt. The node comes from the subject. */
export interface AttemptClaim {
  jobId: string;
  epoch: number;
  nodeId: string;
}

export const readAttempt = async (sql: Queryable, claim: AttemptClaim): Promise<AttemptRow | null> => {
  const [row] = await sql<AttemptRow[]>`
    select * from attempts where job_id = ${claim.jobId} and epoch = ${claim.epoch} and node_id = ${claim.nodeId}`;
  return row ?? null;
};

/** True when the job is on exactly this attempt and the attempt is not over. */
export const isCurrent = (job: JobRow, claim: AttemptClaim): boolean =>
  job.epoch === claim.epoch && job.nodeId === claim.nodeId && (job.status === 'queued' || job.status === 'running' || job.status === 'paused');

/** Keeps the orders as they are sent, so that a lost reply is answered by sending the same again. */
export const saveWorkOrders = async (sql: Queryable, orders: readonly WorkOrder[]): Promise<void> => {
  if (orders.length === 0) return;
  await sql`
    update attempts a set work_order = o.value
    from jsonb_array_elements(${jsonb(sql, orders)}::jsonb) as o (value)
    where a.job_id = (o.value->>'jobId')::uuid and a.epoch = (o.value->>'epoch')::int and a.released_at is null`;
};

/** Placed jobs that no agent has started `olderThanMs` after they were placed: their offer may be lost. */
export const readUnanswered = async (sql: Queryable, olderThanMs: number, limit: number): Promise<{ job: JobRow; workOrder: WorkOrder | null }[]> => {
  const rows = await sql<(JobRow & { workOrder: WorkOrder | null })[]>`
    select j.*, a.work_order from jobs j join attempts a on a.job_id = j.id and a.epoch = j.epoch
    where j.status = 'queued' and a.placed_at < now() - ${olderThanMs} * interval '1 millisecond' and a.released_at is null
    order by j.id limit ${limit}`;
  return rows.map(({ workOrder, ...job }) => ({ job, workOrder }));
};

/** Stores the parameters with what the hub filled in while it prepared the attempt. */
export const setPreparedParams = async (sql: Queryable, jobId: string, epoch: number, params: Record<string, unknown>): Promise<void> => {
  await sql`
    update jobs set params = ${jsonb(sql, params)}, rev = rev + 1
    where id = ${jobId} and epoch = ${epoch} and status = 'queued' and params is distinct from ${jsonb(sql, params)}::jsonb`;
};

/** What the order of an attempt says of an input's file; null when it names none there, or is not stored (yet). */
export const readOrderedFile = async (sql: Queryable, jobId: string, epoch: number, path: string): Promise<{ sizeBytes: number; mtimeMs: number } | null> => {
  const [row] = await sql<{ sizeBytes: number; mtimeMs: number }[]>`
    select (i->>'sizeBytes')::bigint as size_bytes, floor((i->>'mtimeMs')::numeric)::bigint as mtime_ms
    from attempts a, jsonb_array_elements(a.work_order->'inputs') as i
    where a.job_id = ${jobId} and a.epoch = ${epoch} and i->>'path' = ${path} limit 1`;
  return row ?? null;
};
