import { LOG_MARKERS } from '@reelay/contracts';
import type { Tx } from '../../db.ts';
import { appendHubLog } from '../../logs/hub-log.ts';
import { endAttempt } from '../booking.ts';
import { requirementClass } from '../requirement.ts';
import type { JobRow } from '../row.ts';
import { ATTEMPT_OVER, NO_ATTEMPT, transition } from '../transition.ts';
import { cancelJob } from './cancel.ts';
import { type RetryPolicy, timeIn } from './fail.ts';
import { MAX_LOST, otherNodes } from './lost.ts';

/**
 * The node ended the attempt to free memory (row locked). Costs no retry, for the job may be innocent; but it is counted
 * with lost nodes, goes elsewhere where it can, and waits half a unit, then one, then two, so that it is not shed in a loop.
 */
export const shedAttempt = async (tx: Tx, job: JobRow, reason: string, policy: RetryPolicy): Promise<JobRow | null> => {
  const nodeId = job.nodeId ?? '';
  const actor = `node:${nodeId}`;
  if (job.cancelRequestedAt !== null) return cancelJob(tx, job, actor);
  const lostCount = job.lostCount + 1;
  const message = `Ended by node ${nodeId}: ${reason}`;
  await endAttempt(tx, job.id, job.epoch, 'released', { code: 'memory_pressure', message });
  const lines = [{ text: LOG_MARKERS.shed, marker: true }, { text: message, marker: true }];
  const over = { lostCount, phase: null, statusMessage: null };
  if (lostCount > MAX_LOST) {
    const errorMessage = `Ended to free memory, or lost its node, ${lostCount} times: no node has the memory that it needs beside its other work`;
    await appendHubLog(tx, job.id, job.epoch, 'after', [...lines, { text: LOG_MARKERS.error, marker: true }, { text: errorMessage, marker: true }]);
    return transition(tx, job, 'fail', { ...ATTEMPT_OVER, ...over, errorCode: 'memory_pressure', errorMessage, waitingReason: null }, { actor, detail: message });
  }
  await appendHubLog(tx, job.id, job.epoch, 'after', [...lines, { text: `Back in the queue (${lostCount} of ${MAX_LOST})` }]);
  const excludedNodes = (await otherNodes(tx, nodeId)) ? [...new Set([...job.excludedNodes, nodeId])] : job.excludedNodes;
  const retryAfter = await timeIn(tx, (2 ** lostCount * policy.unitSeconds) / 4);
  return transition(tx, job, 'release', {
    ...NO_ATTEMPT, ...over, excludedNodes, requirementClass: requirementClass({ ...job, excludedNodes }), retryAfter, progress: 0, startedAt: null,
    pausedFrom: job.status === 'paused' ? 'pending' : null,
    waitingReason: `Waiting until ${retryAfter.toISOString().slice(11, 19)} UTC: ended to free memory of node ${nodeId} (${lostCount} of ${MAX_LOST})`,
  }, { actor, detail: message });
};
