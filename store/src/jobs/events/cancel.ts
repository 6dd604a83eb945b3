import { isFinal, LOG_MARKERS } from '@reelay/contracts';
import { appendAudit } from '../../audit/append.ts';
import { inTransaction, type Sql, type Tx } from '../../db.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { endAttempt } from '../booking.ts';
import { type AttemptOnNode, attemptOf, isFrozen, type JobRow } from '../row.ts';
import { ATTEMPT_OVER, lockJob, transition } from '../transition.ts';

export type CancelResult =
  /** Over. `attempt`: a node may still hold it; tell it to stop. */
  | { kind: 'cancelled'; job: JobRow; attempt: AttemptOnNode | null }
  /** The intent is stored; the job ends when its node has ended the work. */
  | { kind: 'requested'; job: JobRow; attempt: AttemptOnNode }
  | { kind: 'refused'; job: JobRow }
  | { kind: 'not_found' };

/** Cancel in two phases: what does not run ends at once, what runs gets the intent. */
export const requestCancel = (sql: Sql, id: string, actor: string): Promise<CancelResult> =>
  inTransaction(sql, async (tx): Promise<CancelResult> => {
    const job = await lockJob(tx, id);
    if (!job) return { kind: 'not_found' };
    if (isFinal(job.status)) return { kind: 'refused', job };
    const attempt = attemptOf(job);
    if (attempt !== null && (job.status === 'running' || isFrozen(job))) {
      return { kind: 'requested', attempt, job: job.cancelRequestedAt === null ? await storeIntent(tx, job, actor) : job };
    }
    const cancelled = await cancelJob(tx, job, actor);
    return cancelled ? { kind: 'cancelled', job: cancelled, attempt } : { kind: 'refused', job };
  });

const storeIntent = async (tx: Tx, job: JobRow, actor: string): Promise<JobRow> => {
  const [row] = await tx<JobRow[]>`
    update jobs set cancel_requested_at = now(), cancel_requested_by = ${actor}, rev = rev + 1
    where id = ${job.id} and status = ${job.status} returning *`;
  await appendAudit(tx, {
    topic: 'jobs', entityId: job.id, event: 'cancelRequested', actor, fromStatus: job.status, toStatus: job.status, epoch: job.epoch,
  });
  return row ?? job;
};

/** The final step of a cancel, with the job's row locked. Null when the job is over by now. */
export const cancelJob = async (tx: Tx, job: JobRow, actor: string): Promise<JobRow | null> => {
  await appendHubLog(tx, job.id, job.epoch, 'after', [{ text: LOG_MARKERS.cancelled, marker: true }]);
  await endAttempt(tx, job.id, job.epoch, 'cancelled');
  return transition(tx, job, 'cancel', {
    ...ATTEMPT_OVER, waitingReason: null, phase: null, statusMessage: null, retryAfter: null,
    ...(job.cancelRequestedAt === null ? { cancelRequestedBy: actor } : {}),
  }, { actor: job.cancelRequestedBy ?? actor });
};
