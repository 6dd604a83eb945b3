import type { Tx } from '../../db.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { endAttempt } from '../booking.ts';
import type { JobRow } from '../row.ts';
import { NO_ATTEMPT, transition } from '../transition.ts';
import { cancelJob } from './cancel.ts';

/** The node gave the attempt back (row locked): waits again, at no cost; a frozen job stays paused. */
export const releaseAttempt = async (tx: Tx, job: JobRow, reason: string): Promise<JobRow | null> => {
  const actor = `node:${job.nodeId ?? ''}`;
  if (job.cancelRequestedAt !== null) return cancelJob(tx, job, actor);
  await endAttempt(tx, job.id, job.epoch, 'released');
  await appendHubLog(tx, job.id, job.epoch, 'after', [{ text: `Given back by node ${job.nodeId ?? ''}: ${reason}` }]);
  return transition(tx, job, 'release', {
    ...NO_ATTEMPT, progress: 0, phase: null, statusMessage: null, pausedFrom: job.status === 'paused' ? 'pending' : null, startedAt: null,
  }, { actor, detail: reason });
};
