import { isFinal, type Job, type Progress } from '@reelay/contracts';
import type { JobExtras } from '@reelay/store';
import { type HubEvent, sseText } from './events.ts';

export type LiveProgress = NonNullable<JobExtras['live']>;

interface Tracked {
  owner: string | null;
  nodeId: string | null;
  epoch: number;
  live: LiveProgress | null;
}

/**
 * What the nodes said last about running jobs: shown over the stored progress, which is written only every 5 % or 5 s.
 * A node is believed about its own attempts only, so a job must be known here (from the outbox, or asked for) first.
 */
export class LiveJobs {
  readonly #jobs = new Map<string, Tracked>();
  readonly #unknown = new Map<string, { nodeId: string; progress: Progress }>();
  readonly #maxUnknown: number;

  constructor(maxUnknown = 5000) {
    this.#maxUnknown = maxUnknown;
  }

  /** The latest progress of a job, or null. `toJob` compares the epoch. */
  get(jobId: string): LiveProgress | null {
    return this.#jobs.get(jobId)?.live ?? null;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** The job as stored now. */
  note(job: Pick<Job, 'id' | 'status' | 'createdBy' | 'nodeId' | 'epoch'>): void {
    if (isFinal(job.status) || job.nodeId === null) {
      this.#jobs.delete(job.id);
      this.#unknown.delete(job.id);
      return;
    }
    const before = this.#jobs.get(job.id);
    const live = before?.epoch === job.epoch ? before.live : null;
    this.#jobs.set(job.id, { owner: job.createdBy, nodeId: job.nodeId, epoch: job.epoch, live });
  }

  /** Takes in what a node said. Answers the event to broadcast, or null: not believed, or the job must be looked up first. */
  heard(nodeId: string, progress: Progress): HubEvent | null {
    const job = this.#jobs.get(progress.jobId);
    if (job === undefined || job.epoch < progress.epoch) {
      if (this.#unknown.size < this.#maxUnknown) this.#unknown.set(progress.jobId, { nodeId, progress });
      return null;
    }
    if (job.nodeId !== nodeId || job.epoch !== progress.epoch) return null;
    const { epoch, percent, phase, message, fps, speed, etaSeconds } = progress;
    job.live = { epoch, percent, phase, message, fps, speed, etaSeconds };
    const data = { jobId: progress.jobId, epoch, percent, phase, message, fps, speed, etaSeconds };
    return { kind: 'progress', topic: 'jobs', owner: job.owner, key: progress.jobId, text: sseText({ event: 'progress', data }) };
  }

  /** Jobs that nodes speak of and that must be looked up; each is given out once. */
  takeUnknown(): { jobId: string; nodeId: string; progress: Progress }[] {
    const asked = [...this.#unknown].map(([jobId, { nodeId, progress }]) => ({ jobId, nodeId, progress }));
    this.#unknown.clear();
    return asked;
  }
}
