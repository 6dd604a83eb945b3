import { inTransaction, type Sql } from '../../db.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { endAttempt } from '../booking.ts';
import { type AttemptOnNode, attemptOf, isFrozen, type JobRow } from '../row.ts';
import { lockJob, NO_ATTEMPT, transition } from '../transition.ts';

export type PauseResult =
  /** `freeze`: tell the node to stop the process group. `stop`: tell it to end the attempt. */
  | { kind: 'paused'; job: JobRow; freeze: AttemptOnNode | null; stop: AttemptOnNode | null }
  | { kind: 'refused'; job: JobRow }
  | { kind: 'not_found' };

/**
 * A waiting job is skipped from now on. A running one is frozen and stays booked, or with `release` its attempt ends
 * here and its booking is given back. A frozen one may still be released.
 */
export const pauseJob = (sql: Sql, id: string, { release }: { release: boolean }, actor: string): Promise<PauseResult> =>
  inTransaction(sql, async (tx): Promise<PauseResult> => {
    const job = await lockJob(tx, id);
    if (!job) return { kind: 'not_found' };
    if (job.cancelRequestedAt !== null) return { kind: 'refused', job };
    const attempt = attemptOf(job);
    if (job.status === 'running' && !release) {
      const frozen = await transition(tx, job, 'pause', { pausedFrom: 'running' }, { actor });
      return frozen ? { kind: 'paused', job: frozen, freeze: attempt, stop: null } : { kind: 'refused', job };
    }
    const event = isFrozen(job) && release ? 'release' : 'pause';
    if (attempt !== null) {
      await appendHubLog(tx, job.id, job.epoch, 'after', [{ text: `Paused by ${actor}; the attempt was stopped and its resources given back` }]);
      await endAttempt(tx, job.id, job.epoch, 'released');
    }
    const paused = await transition(
      tx, job, event, { ...NO_ATTEMPT, waitingReason: null, phase: null, statusMessage: null, pausedFrom: 'pending' }, { actor },
    );
    return paused ? { kind: 'paused', job: paused, freeze: null, stop: attempt } : { kind: 'refused', job };
  });
