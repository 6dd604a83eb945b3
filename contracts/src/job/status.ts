/**
 * The one state table of a job; the statuses are those of the job-queue document.
 *
 *              place               start                 complete
 *  pending ─────────────▶ queued ─────────────▶ running ─────────────▶ completed
 *   ▲ ▲ ▲                   │                   │ │ │ │
 *   │ │ └─ unplace, lost, ──┘                   │ │ │ └─ fail ───────▶ failed ── retry ─▶ pending
 *   │ │    release, autoRetry                   │ │ └─── cancel ─────▶ cancelled
 *   │ └─── autoRetry, lost, release ────────────┘ │
 *   │                                             └─ pause ─▶ paused ── thaw ─▶ running (a frozen attempt)
 *   └─ resume ── paused ◀─ pause ── pending, queued
 *
 * `pending`, `queued` and `paused` are cancelled at once; `running` in two phases: the intent is stored
 * (`cancelRequestedAt`), the node terminates, then the status changes. A completion that is committed
 * before the node ends the work wins; the answer to the client says which won.
 */
import { z } from 'zod';

export const JOB_STATUSES = ['pending', 'queued', 'running', 'completed', 'failed', 'cancelled', 'paused'] as const;
export const jobStatusSchema = z.enum(JOB_STATUSES);
export type JobStatus = z.infer<typeof jobStatusSchema>;

export const JOB_EVENTS = [
  'place', 'unplace', 'start', 'complete', 'fail', 'autoRetry', 'retry', 'lost', 'release',
  'cancel', 'pause', 'resume', 'thaw',
] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

/**
 * status × event → next status. An absent pair is a refused transition.
 * `unplace`: the node refused or never answered. `fail` of a queued job: its order could not be made. `lost`: lease ran out or the node is gone. `release`: the node gave
 * the attempt back (drain, stop). `thaw`: resume of an attempt that was frozen on its node.
 */
export const TRANSITIONS: Readonly<Record<JobStatus, Partial<Readonly<Record<JobEvent, JobStatus>>>>> = {
  pending: { place: 'queued', cancel: 'cancelled', pause: 'paused' },
  queued: { unplace: 'pending', lost: 'pending', release: 'pending', start: 'running', fail: 'failed', autoRetry: 'pending', cancel: 'cancelled', pause: 'paused' },
  running: { complete: 'completed', fail: 'failed', autoRetry: 'pending', lost: 'pending', release: 'pending', cancel: 'cancelled', pause: 'paused' },
  paused: { resume: 'pending', thaw: 'running', lost: 'paused', release: 'paused', fail: 'failed', complete: 'completed', cancel: 'cancelled' },
  failed: { retry: 'pending' },
  completed: {},
  cancelled: {},
};

export const FINAL_STATUSES: readonly JobStatus[] = ['completed', 'failed', 'cancelled'];
export const isFinal = (status: JobStatus): boolean => FINAL_STATUSES.includes(status);

/** Next status, or null when the event is not allowed in this status. */
export const nextStatus = (status: JobStatus, event: JobEvent): JobStatus | null => TRANSITIONS[status][event] ?? null;

/** Every status from which `event` is allowed: what a guarded UPDATE names in its WHERE. */
export const statusesAllowing = (event: JobEvent): JobStatus[] =>
  JOB_STATUSES.filter((status) => TRANSITIONS[status][event] !== undefined);
