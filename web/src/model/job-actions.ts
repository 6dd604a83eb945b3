/** What may be asked of a job in each status. job-actions.test.ts holds it against the contracts' state table. */
import type { Job, JobStatus } from '@reelay/contracts';

export type JobAction = 'cancel' | 'retry' | 'pause' | 'resume' | 'priority';

const BY_STATUS: Readonly<Record<JobStatus, readonly JobAction[]>> = {
  pending: ['pause', 'priority', 'cancel'],
  queued: ['pause', 'priority', 'cancel'],
  running: ['pause', 'cancel'],
  paused: ['resume', 'priority', 'cancel'],
  failed: ['retry'],
  completed: [],
  cancelled: [],
};

export const actionsFor = (job: Pick<Job, 'status' | 'cancelRequestedAt'>): readonly JobAction[] => {
  const actions = BY_STATUS[job.status];
  return job.cancelRequestedAt === null || job.status === 'failed' ? actions : actions.filter((action) => action !== 'cancel' && action !== 'pause');
};

export const isOver = (status: JobStatus): boolean => status === 'completed' || status === 'failed' || status === 'cancelled';
