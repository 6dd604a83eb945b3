import { LOG_MARKERS } from '@reelay/contracts';
import { inTransaction, type Sql } from '../../db.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { requirementClass } from '../requirement.ts';
import type { JobRow } from '../row.ts';
import { lockJob, NO_ATTEMPT, transition } from '../transition.ts';

export type RetryResult = { kind: 'pending'; job: JobRow } | { kind: 'refused'; job: JobRow } | { kind: 'not_found' };

/** A failed job gets one attempt more, now, on any node. */
export const retryJob = (sql: Sql, id: string, actor: string): Promise<RetryResult> =>
  inTransaction(sql, async (tx): Promise<RetryResult> => {
    const job = await lockJob(tx, id);
    if (!job) return { kind: 'not_found' };
    const retryCount = job.retryCount + 1;
    const pending = await transition(tx, job, 'retry', {
      ...NO_ATTEMPT, retryCount, retryAfter: null, lostCount: 0, excludedNodes: [], requirementClass: requirementClass({ ...job, excludedNodes: [] }),
      progress: 0, phase: null, statusMessage: null, errorCode: null, errorMessage: null, waitingReason: null,
      cancelRequestedAt: null, cancelRequestedBy: null, startedAt: null, log: '',
    }, { actor });
    if (!pending) return { kind: 'refused', job };
    await appendHubLog(tx, job.id, job.epoch, 'after', [{ text: LOG_MARKERS.retry(retryCount), marker: true }]);
    return { kind: 'pending', job: pending };
  });
