import { inTransaction, type Sql } from '../../db.ts';
import { type AttemptClaim, isCurrent } from '../attempt.ts';
import { lockJob, transition } from '../transition.ts';

/** The agent began the work. `current: false`: the attempt is not the job's any more. Said twice, it counts once. */
export const startAttempt = (sql: Sql, claim: AttemptClaim & { incarnation: string }): Promise<{ current: boolean; changed: boolean }> =>
  inTransaction(sql, async (tx) => {
    const job = await lockJob(tx, claim.jobId);
    if (!job || !isCurrent(job, claim) || job.incarnation !== claim.incarnation) return { current: false, changed: false };
    if (job.status !== 'queued') return { current: true, changed: false };
    const [attempt] = await tx<{ startedAt: Date }[]>`
      update attempts set started_at = now() where job_id = ${claim.jobId} and epoch = ${claim.epoch} returning started_at`;
    const started = await transition(tx, job, 'start', { startedAt: attempt?.startedAt ?? null }, { actor: `node:${claim.nodeId}` });
    return { current: started !== null, changed: started !== null };
  });
