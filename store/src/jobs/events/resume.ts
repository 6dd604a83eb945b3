import { inTransaction, type Sql } from '../../db.ts';
import { type AttemptOnNode, attemptOf, type JobRow } from '../row.ts';
import { lockJob, transition } from '../transition.ts';

export type ResumeResult =
  /** `thaw`: tell the node to continue the process group. */
  | { kind: 'pending' | 'running'; job: JobRow; thaw: AttemptOnNode | null }
  | { kind: 'refused'; job: JobRow }
  | { kind: 'not_found' };

/** A frozen attempt runs on, anything else waits to be placed again. */
export const resumeJob = (sql: Sql, id: string, actor: string): Promise<ResumeResult> =>
  inTransaction(sql, async (tx): Promise<ResumeResult> => {
    const job = await lockJob(tx, id);
    if (!job) return { kind: 'not_found' };
    if (job.cancelRequestedAt !== null) return { kind: 'refused', job };
    const thaw = attemptOf(job);
    const resumed = await transition(tx, job, thaw ? 'thaw' : 'resume', { pausedFrom: null }, { actor });
    return resumed ? { kind: thaw ? 'running' : 'pending', job: resumed, thaw } : { kind: 'refused', job };
  });
