import { isFinal, INLINE_LOG_BYTES, type JobEvent, nextStatus, statusesAllowing } from '@reelay/contracts';
import { appendAudit } from '../audit/append.ts';
import type { Queryable, Tx } from '../db.ts';
import { readLogEnd } from '../logs/read.ts';
import type { JobRow } from './row.ts';

/** Locks the row until the transaction ends. Log lines of the job may still be stored meanwhile: they lock only its key. */
export const lockJob = async (tx: Tx, id: string): Promise<JobRow | null> => {
  const [job] = await tx<JobRow[]>`select * from jobs where id = ${id} for no key update`;
  return job ?? null;
};

export const readJob = async (sql: Queryable, id: string): Promise<JobRow | null> => {
  const [job] = await sql<JobRow[]>`select * from jobs where id = ${id}`;
  return job ?? null;
};

/** Columns a transition may set besides the status. */
export type JobChanges = Partial<Pick<JobRow,
  'progress' | 'waitingReason' | 'retryCount' | 'retryAfter' | 'epoch' | 'phase' | 'statusMessage' | 'lostCount' |
  'excludedNodes' | 'requirementClass' | 'errorCode' | 'errorMessage' | 'nodeId' | 'incarnation' | 'deviceId' | 'leaseUntil' |
  'pausedFrom' | 'startedAt' | 'cancelRequestedAt' | 'cancelRequestedBy' | 'log' | 'params'>>;

/** A job that goes back to waiting has no attempt. */
export const NO_ATTEMPT = { nodeId: null, incarnation: null, deviceId: null, leaseUntil: null } as const;
/** A finished job keeps the node and device it ran on. */
export const ATTEMPT_OVER = { incarnation: null, leaseUntil: null, pausedFrom: null } as const;

export interface Told {
  actor: string;
  detail?: string | null;
}

/**
 * The one statement that changes a job's status: guarded by the state table and the epoch, with its audit row. A final
 * status also gets its time and the end of the log. Null when the job is in another state by now.
 */
export const transition = async (tx: Tx, job: JobRow, event: JobEvent, changes: JobChanges, told: Told): Promise<JobRow | null> => {
  const status = nextStatus(job.status, event);
  if (status === null) return null;
  const final = isFinal(status);
  const log = final ? { log: await readLogEnd(tx, job.id, INLINE_LOG_BYTES) } : {};
  const { params, ...columns } = changes;
  const [row] = await tx<JobRow[]>`
    update jobs set ${tx({ ...columns, ...log, status })}, rev = rev + 1,
      params = coalesce(${params === undefined ? null : tx.json(params as never)}::jsonb, params),
      completed_at = ${final ? tx`now()` : tx`null`}
    where id = ${job.id} and status = any(${statusesAllowing(event)}) and status = ${job.status} and epoch = ${job.epoch}
    returning *`;
  if (!row) return null;
  await appendAudit(tx, {
    topic: 'jobs', entityId: job.id, event, actor: told.actor, fromStatus: job.status, toStatus: status, epoch: row.epoch, detail: told.detail ?? null,
  });
  return row;
};
