import type { Job } from '@reelay/contracts';
import type { JobRow } from './row.ts';

/** What a job's row does not hold: joined on read, or heard over NATS. */
export interface JobExtras {
  videoTitle?: string | null;
  queuePosition?: number | null;
  /** Verdict of the last placement pass for the job's requirement class. */
  classReason?: string | null;
  live?: { epoch: number; percent: number; phase: string; message: string; fps: number | null; speed: number | null; etaSeconds: number | null } | null;
}

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

/** Why a pending job waits: its own reason while a retry is due later, else the verdict of its class. */
const waitingReason = (job: JobRow, extras: JobExtras, now: Date): string | null => {
  if (job.status !== 'pending') return null;
  if (job.retryAfter !== null && job.retryAfter > now) return job.waitingReason;
  return extras.classReason ?? null;
};

/** The row as the API shows it, with live progress over it while the attempt is the same. */
export const toJob = (job: JobRow, extras: JobExtras = {}, now: Date = new Date()): Job => {
  const live = job.status === 'running' && extras.live?.epoch === job.epoch ? extras.live : null;
  return {
    id: job.id, type: job.type, status: job.status, params: job.params,
    progress: Math.max(job.progress, live ? Math.floor(live.percent) : 0),
    resourceCategory: job.resourceCategory, vramRequired: job.vramRequired, priority: job.priority,
    queuePosition: extras.queuePosition ?? null, waitingReason: waitingReason(job, extras, now),
    retryCount: job.retryCount, maxRetries: job.maxRetries, retryAfter: iso(job.retryAfter),
    createdAt: job.createdAt.toISOString(), startedAt: iso(job.startedAt), completedAt: iso(job.completedAt),
    rev: job.rev, epoch: job.epoch,
    phase: live?.phase ?? job.phase, statusMessage: live?.message ?? job.statusMessage,
    cancelRequestedAt: iso(job.cancelRequestedAt), errorCode: job.errorCode, errorMessage: job.errorMessage,
    nodeId: job.nodeId, deviceId: job.deviceId, videoId: job.videoId, videoTitle: extras.videoTitle ?? null,
    createdBy: job.createdBy, labels: job.labels, lostCount: job.lostCount,
    etaSeconds: live?.etaSeconds ?? null, fps: live?.fps ?? null, speed: live?.speed ?? null,
  };
};
