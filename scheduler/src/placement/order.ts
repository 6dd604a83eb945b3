import type { WaitingJob } from '@reelay/store';

/** Priority after ageing: 1 is first, and long waiting goes below 1. */
const effectivePriority = (job: WaitingJob, now: Date, ageStepMs: number): number =>
  job.priority - Math.max(0, Math.floor((now.getTime() - job.createdAt.getTime()) / ageStepMs));

/** Jobs in the order of placement: priority with ageing, then age, then id. */
export const inOrder = (jobs: readonly WaitingJob[], now: Date, ageStepMs: number): WaitingJob[] =>
  jobs
    .map((job) => ({ job, rank: effectivePriority(job, now, ageStepMs) }))
    .toSorted((a, b) => a.rank - b.rank || a.job.createdAt.getTime() - b.job.createdAt.getTime() || (a.job.id < b.job.id ? -1 : 1))
    .map(({ job }) => job);
