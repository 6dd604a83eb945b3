import { inTransaction, type Sql } from '../../db.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { endAttempt } from '../booking.ts';
import type { JobRow } from '../row.ts';
import { lockJob, NO_ATTEMPT, transition } from '../transition.ts';

/** The node refused the offer or is not there: back to waiting, without a trace on retries. Null when it got going after all. */
export const unplaceAttempt = (sql: Sql, jobId: string, epoch: number, why: { code: string; message: string }): Promise<JobRow | null> =>
  inTransaction(sql, async (tx) => {
    const job = await lockJob(tx, jobId);
    if (job?.status !== 'queued' || job.epoch !== epoch) return null;
    await endAttempt(tx, jobId, epoch, 'refused', why);
    await appendHubLog(tx, jobId, epoch, 'after', [{ text: `Node ${job.nodeId ?? ''} did not take the job: ${why.message}` }]);
    return transition(tx, job, 'unplace', { ...NO_ATTEMPT, waitingReason: null }, { actor: 'scheduler', detail: why.message });
  });
