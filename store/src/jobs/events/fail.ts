import { type JobError, LOG_MARKERS } from '@reelay/contracts';
import type { Tx } from '../../db.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { endAttempt } from '../booking.ts';
import type { JobRow } from '../row.ts';
import { ATTEMPT_OVER, NO_ATTEMPT, transition } from '../transition.ts';
import { cancelJob } from './cancel.ts';

export interface RetryPolicy {
  /** The first retry comes after two units, the next after four, then eight. */
  unitSeconds: number;
}

/**
 * The attempt failed (row locked). Cancel beats retry; an error that trying again cannot help, or the last retry used
 * up, fails the job; else it waits 2^retryCount units, counted first. A frozen job stays paused.
 */
export const failAttempt = async (tx: Tx, job: JobRow, error: JobError, policy: RetryPolicy): Promise<JobRow | null> => {
  const actor = job.nodeId === null ? 'scheduler' : `node:${job.nodeId}`;
  if (job.cancelRequestedAt !== null) return cancelJob(tx, job, actor);
  await endAttempt(tx, job.id, job.epoch, 'failed', error);
  const lines = [...(error.code === 'killed_by_hand' ? [{ text: LOG_MARKERS.endedByHand, marker: true }] : []), { text: LOG_MARKERS.error, marker: true }, { text: error.message, marker: true }];
  const failure = { errorCode: error.code, errorMessage: error.message };
  if (!error.retryable || job.retryCount >= job.maxRetries) {
    await appendHubLog(tx, job.id, job.epoch, 'after', lines);
    return transition(tx, job, 'fail', { ...ATTEMPT_OVER, ...failure, waitingReason: null, phase: null, statusMessage: null }, { actor, detail: error.message });
  }
  const retryCount = job.retryCount + 1;
  await appendHubLog(tx, job.id, job.epoch, 'after', [...lines, { text: LOG_MARKERS.retry(retryCount), marker: true }]);
  const retryAfter = await timeIn(tx, 2 ** retryCount * policy.unitSeconds);
  return transition(tx, job, job.status === 'paused' ? 'release' : 'autoRetry', {
    ...NO_ATTEMPT, ...failure, retryCount, retryAfter, progress: 0, phase: null, statusMessage: null,
    ...(job.status === 'paused' ? { pausedFrom: 'pending' as const } : {}),
    waitingReason: `Waiting to retry until ${retryAfter.toISOString().slice(11, 19)} UTC (retry ${retryCount} of ${job.maxRetries})`,
  }, { actor, detail: error.message });
};

/** The database's time, so many seconds from now. */
export const timeIn = async (tx: Tx, seconds: number): Promise<Date> => {
  const [row] = await tx<{ at: Date }[]>`select now() + ${seconds} * interval '1 second' as at`;
  return row?.at ?? new Date(0);
};
