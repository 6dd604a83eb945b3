import type { WorkOrder } from '@reelay/contracts';
import { inTransaction, type Queryable, type Sql, type Tx } from '../../db.ts';
import { type Lease, requireLease } from '../../leases/lease.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { endAttempt } from '../booking.ts';
import { requirementClass } from '../requirement.ts';
import type { JobRow } from '../row.ts';
import { ATTEMPT_OVER, lockJob, NO_ATTEMPT, transition } from '../transition.ts';
import { cancelJob } from './cancel.ts';

/** A job may lose its node this often before it is taken for the cause. */
export const MAX_LOST = 3;

export interface LostJob {
  job: JobRow;
  /** The work order of the lost attempt: its part files are dead. */
  workOrder: WorkOrder | null;
}

/** Requeues every job whose lease has run out. Each in a transaction of its own, so that rows are locked in order. @throws LeaseLostError */
export const expireLeases = async (sql: Sql, lease: Lease, limit: number): Promise<LostJob[]> => {
  // Attempts with a publish intent have finished: their settling is repeated instead.
  const due = await sql<{ id: string; epoch: number }[]>`
    select id, epoch from jobs j
    where lease_until < now() and (status in ('queued', 'running') or (status = 'paused' and node_id is not null))
      and not exists (select 1 from publish_intents i where i.job_id = j.id and i.epoch = j.epoch)
    order by lease_until limit ${limit}`;
  return loseEach(sql, due, lease, 'its lease ran out', (job, now) => job.leaseUntil !== null && job.leaseUntil < now);
};

/** Requeues what earlier starts of the node's agent were working on: their processes ended with it. */
export const loseOldIncarnations = async (sql: Sql, nodeId: string, incarnation: string): Promise<LostJob[]> => {
  const due = await sql<{ id: string; epoch: number }[]>`
    select id, epoch from jobs j
    where node_id = ${nodeId} and incarnation <> ${incarnation} and status in ('queued', 'running', 'paused')
      and not exists (select 1 from publish_intents i where i.job_id = j.id and i.epoch = j.epoch)
    order by id`;
  return loseEach(sql, due, null, 'its agent was restarted', (job) => job.incarnation !== incarnation);
};

const loseEach = async (
  sql: Sql, due: readonly { id: string; epoch: number }[], lease: Lease | null, why: string, still: (job: JobRow, now: Date) => boolean,
): Promise<LostJob[]> => {
  const lost: LostJob[] = [];
  for (const { id, epoch } of due) {
    const one = await inTransaction(sql, async (tx): Promise<LostJob | null> => {
      if (lease !== null) await requireLease(tx, lease);
      const job = await lockJob(tx, id);
      // Looked at again under the lock: its result may have come in since.
      const [state] = await tx<{ now: Date; publishing: boolean }[]>`
        select clock_timestamp() as now, exists (select 1 from publish_intents where job_id = ${id} and epoch = ${epoch}) as publishing`;
      if (!job || job.epoch !== epoch || job.nodeId === null || !state || state.publishing || !still(job, state.now)) return null;
      return loseAttempt(tx, job, why);
    });
    if (one) lost.push(one);
  }
  return lost;
};

/** The node went away under the attempt (row locked). Costs no retry, but only so many times. */
const loseAttempt = async (tx: Tx, job: JobRow, why: string): Promise<LostJob | null> => {
  const workOrder = await readWorkOrder(tx, job);
  const done = (row: JobRow | null): LostJob | null => (row ? { job: row, workOrder } : null);
  if (job.cancelRequestedAt !== null) return done(await cancelJob(tx, job, 'scheduler'));
  const nodeId = job.nodeId ?? '';
  const lostCount = job.lostCount + 1;
  const message = `Node ${nodeId} was lost: ${why}`;
  await endAttempt(tx, job.id, job.epoch, 'lost', { code: 'node_lost', message });
  const told = { actor: 'scheduler', detail: message };
  if (lostCount > MAX_LOST) {
    const reason = `Lost its node ${lostCount} times; the job itself may be what ends the node`;
    await appendHubLog(tx, job.id, job.epoch, 'after', [{ text: message }, { text: '--- ERROR ---', marker: true }, { text: reason, marker: true }]);
    return done(await transition(tx, job, 'fail', { ...ATTEMPT_OVER, lostCount, errorCode: 'node_lost', errorMessage: reason, phase: null, statusMessage: null }, told));
  }
  await appendHubLog(tx, job.id, job.epoch, 'after', [{ text: `${message}. Back in the queue (${lostCount} of ${MAX_LOST})` }]);
  const excludedNodes = (await otherNodes(tx, nodeId)) ? [...new Set([...job.excludedNodes, nodeId])] : job.excludedNodes;
  return done(await transition(tx, job, 'lost', {
    ...NO_ATTEMPT, lostCount, excludedNodes, requirementClass: requirementClass({ ...job, excludedNodes }), progress: 0, phase: null, statusMessage: null,
    startedAt: null, pausedFrom: job.status === 'paused' ? 'pending' : null,
  }, told));
};

const readWorkOrder = async (sql: Queryable, job: JobRow): Promise<WorkOrder | null> => {
  const [row] = await sql<{ workOrder: WorkOrder | null }[]>`select work_order from attempts where job_id = ${job.id} and epoch = ${job.epoch}`;
  return row?.workOrder ?? null;
};

/** Whether the job could go elsewhere. */
export const otherNodes = async (sql: Queryable, nodeId: string): Promise<boolean> => {
  const rows = await sql`select 1 from nodes where id <> ${nodeId} and health = 'healthy' and admin_state = 'active' limit 1`;
  return rows.length > 0;
};
