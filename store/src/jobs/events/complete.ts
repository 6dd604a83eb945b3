import type { Tx } from '../../db.ts';
import { endAttempt } from '../booking.ts';
import type { JobRow } from '../row.ts';
import { ATTEMPT_OVER, transition } from '../transition.ts';

/** The final compare-and-set of a job whose row is locked; effects belong into the same transaction. Null = stale. */
export const completeJob = async (tx: Tx, job: JobRow, change: { params?: Record<string, unknown> | undefined }): Promise<JobRow | null> => {
  await endAttempt(tx, job.id, job.epoch, 'completed');
  return transition(tx, job, 'complete', {
    ...ATTEMPT_OVER, progress: 100, waitingReason: null, phase: null, statusMessage: null, errorCode: null, errorMessage: null, retryAfter: null,
    ...(change.params === undefined ? {} : { params: change.params }),
  }, { actor: `node:${job.nodeId ?? ''}` });
};
