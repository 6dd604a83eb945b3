import type { JobOutcome, WorkOrder } from '@reelay/contracts';
import type { WorkerEnd } from '../process/job-worker.ts';
import { causeOf, type EndReason } from './end-reason.ts';

/** The fields of the one log line that tells how an attempt ended: who ended it and why, how its process ended, what the hub is told. */
export function endLine(order: WorkOrder, { exit, pid }: WorkerEnd, reason: EndReason | null, outcome: JobOutcome | null): Record<string, unknown> {
  const { jobId, epoch, type } = order;
  const error = outcome?.kind === 'failed' ? outcome.error : null;
  const cause = reason === null ? null : causeOf(reason, order);
  return {
    jobId, epoch, type, pid,
    outcome: outcome?.kind ?? 'stale',
    ...(error === null ? {} : { code: error.code }),
    // Nobody asked for it: the job ended itself, well or not.
    cause: cause?.code ?? error?.code ?? 'finished',
    ...(cause === null && error === null ? {} : { reason: cause?.message ?? error?.message }),
    ...(reason?.kind === 'killed_by_hand' && reason.reason !== null ? { said: reason.reason } : {}),
    exit: exit.kind === 'code' ? exit.code : exit.kind === 'signal' ? exit.signal : exit.kind,
  };
}
