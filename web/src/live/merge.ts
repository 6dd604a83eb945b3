/** How live events change what is on the screen. Pure: the stores apply the results. */
import type { Job, LiveEvent } from '@reelay/contracts';

export type Progress = Extract<LiveEvent, { event: 'progress' }>['data'];

/** The newer of two versions of a job: the highest rev wins, an equal one keeps the progress that is further. */
export function newerJob(known: Job, incoming: Job): Job {
  if (incoming.rev < known.rev) return known;
  const sameAttempt = incoming.epoch === known.epoch && incoming.status === 'running' && known.status === 'running';
  if (!sameAttempt || incoming.progress > known.progress) return incoming;
  return {
    ...incoming, progress: known.progress, phase: known.phase, statusMessage: known.statusMessage,
    fps: known.fps, speed: known.speed, etaSeconds: known.etaSeconds,
  };
}

/** Progress of the running attempt; that of an earlier attempt, or of a job that has ended, changes nothing. */
export function withProgress(job: Job, progress: Progress): Job {
  if (job.status !== 'running' || job.epoch !== progress.epoch) return job;
  return {
    ...job,
    progress: Math.max(job.progress, Math.min(100, Math.floor(progress.percent))),
    phase: progress.phase, statusMessage: progress.message,
    fps: progress.fps, speed: progress.speed, etaSeconds: progress.etaSeconds,
  };
}

/** Reconnect delay in ms: 0.5, 1, 2 … 15 s, with up to a third taken off by `random` (0–1) so that tabs do not return in step. */
export const reconnectDelayMs = (failures: number, random: number): number =>
  Math.round(Math.min(15_000, 500 * 2 ** Math.min(failures, 10)) * (1 - random / 3));
