import type { Job } from '@reelay/contracts';
import { toneOf } from '../../output/style.ts';
import type { Column } from '../../output/table.ts';
import { ago } from '../../output/words.ts';

/** The one thing about a job that its status does not say. */
export const aboutJob = (job: Job): string => {
  if (job.status === 'failed') return job.errorMessage ?? '';
  if (job.cancelRequestedAt !== null && job.status === 'running') return 'being cancelled';
  if (job.status === 'pending' || job.status === 'queued') return job.waitingReason ?? '';
  if (job.status === 'running') return job.statusMessage ?? job.phase ?? '';
  return job.videoTitle ?? '';
};

export const jobColumns = (now: Date): Column<Job>[] => [
  { title: 'ID', value: (job) => job.id },
  { title: 'TYPE', value: (job) => job.type },
  { title: 'STATUS', value: (job) => job.status, tone: (job) => toneOf(job.status) },
  { title: 'DONE', value: (job) => `${job.progress} %`, align: 'right' },
  { title: 'PRIO', value: (job) => job.priority, align: 'right' },
  { title: 'NODE', value: (job) => job.nodeId ?? '-' },
  { title: 'CREATED', value: (job) => ago(job.createdAt, now) },
  { title: 'ABOUT', value: aboutJob, mayCut: true },
];
