import type { JobStatus, JobType, ResourceCategory } from '@reelay/contracts';

/** A row of `jobs`. */
export interface JobRow {
  id: string;
  type: JobType;
  status: JobStatus;
  params: Record<string, unknown>;
  progress: number;
  log: string;
  priority: number;
  waitingReason: string | null;
  resourceCategory: ResourceCategory;
  vramRequired: number;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  retryCount: number;
  maxRetries: number;
  retryAfter: Date | null;
  rev: number;
  epoch: number;
  phase: string | null;
  statusMessage: string | null;
  cancelRequestedAt: Date | null;
  cancelRequestedBy: string | null;
  lostCount: number;
  excludedNodes: string[];
  requirementClass: string;
  createdBy: string | null;
  idempotencyKey: string | null;
  labels: Record<string, string>;
  errorCode: string | null;
  errorMessage: string | null;
  videoId: string | null;
  nodeId: string | null;
  incarnation: string | null;
  deviceId: string | null;
  leaseUntil: Date | null;
  pausedFrom: 'pending' | 'queued' | 'running' | null;
}

/** The attempt a job is on: whom to tell about it. */
export interface AttemptOnNode {
  nodeId: string;
  epoch: number;
}

/** The node and epoch of the job's current attempt, or null when it has none. */
export const attemptOf = (job: Pick<JobRow, 'nodeId' | 'epoch'>): AttemptOnNode | null =>
  job.nodeId === null ? null : { nodeId: job.nodeId, epoch: job.epoch };

/** Paused while running: its process group is stopped on the node, and its booking stays. */
export const isFrozen = (job: Pick<JobRow, 'status' | 'nodeId'>): boolean => job.status === 'paused' && job.nodeId !== null;
