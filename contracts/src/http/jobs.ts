/** HTTP shapes of jobs: the job-queue document's fields first, then Reelay's own. */
import { z } from 'zod';
import { jobTypeSchema, prioritySchema } from '../job/catalogue.ts';
import { resourceCategorySchema } from '../job/category.ts';
import { jobStatusSchema } from '../job/status.ts';
import { listOf, pagingQuery } from './paging.ts';

const time = z.iso.datetime();
const labels = z.record(z.string().min(1).max(63), z.string().max(63));

export const jobSchema = z.object({
  id: z.uuid(),
  type: jobTypeSchema,
  status: jobStatusSchema,
  progress: z.int().min(0).max(100),
  params: z.record(z.string(), z.unknown()),
  resourceCategory: resourceCategorySchema,
  vramRequired: z.int(),
  priority: z.int(),
  queuePosition: z.int().nullable(),
  waitingReason: z.string().nullable(),
  retryCount: z.int(),
  maxRetries: z.int(),
  retryAfter: time.nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  completedAt: time.nullable(),
  /** Grows with each write of the row: a client keeps the highest it saw. */
  rev: z.int(),
  epoch: z.int(),
  phase: z.string().nullable(),
  statusMessage: z.string().nullable(),
  cancelRequestedAt: time.nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  nodeId: z.string().nullable(),
  deviceId: z.string().nullable(),
  videoId: z.uuid().nullable(),
  videoTitle: z.string().nullable(),
  createdBy: z.string().nullable(),
  labels,
  lostCount: z.int(),
  etaSeconds: z.number().nullable(),
  fps: z.number().nullable(),
  speed: z.number().nullable(),
});
export type Job = z.infer<typeof jobSchema>;
export const jobDetailSchema = jobSchema.extend({ log: z.string() });
export type JobDetail = z.infer<typeof jobDetailSchema>;
export const jobListSchema = listOf(jobSchema);

export const JOB_SORTS = ['createdAt', '-createdAt', 'priority', '-priority', 'startedAt', '-startedAt', 'completedAt', '-completedAt', 'status', 'type'] as const;
export const jobListQuery = z.strictObject({
  ...pagingQuery,
  status: z.string().transform((text) => text.split(',')).pipe(z.array(jobStatusSchema).min(1)).optional(),
  type: z.string().transform((text) => text.split(',')).pipe(z.array(jobTypeSchema).min(1)).optional(),
  resourceCategory: resourceCategorySchema.optional(),
  q: z.string().max(200).optional(),
  nodeId: z.string().max(63).optional(),
  videoId: z.uuid().optional(),
  createdBy: z.string().max(100).optional(),
  sort: z.enum(JOB_SORTS).default('-createdAt'),
});
export type JobListQuery = z.infer<typeof jobListQuery>;

export const createJobRequest = z.strictObject({
  type: jobTypeSchema,
  params: z.record(z.string(), z.unknown()).default({}),
  priority: prioritySchema.optional(),
  resourceCategory: resourceCategorySchema.optional(),
  vramRequired: z.int().min(0).max(1_000_000).optional(),
  maxRetries: z.int().min(0).max(20).optional(),
  labels: labels.optional(),
});
export type CreateJobRequest = z.infer<typeof createJobRequest>;
/** Each entry is checked by itself, so that one bad job does not refuse the rest. */
export const bulkJobsRequest = z.strictObject({ jobs: z.array(z.unknown()).min(1).max(1000) });
export const bulkJobsResponse = z.object({
  data: z.array(jobSchema),
  errors: z.array(z.object({ index: z.int(), code: z.string(), detail: z.string() })),
});
export const patchJobRequest = z.strictObject({ priority: prioritySchema.optional(), labels: labels.optional() })
  .refine((body) => body.priority !== undefined || body.labels !== undefined, { message: 'give priority or labels' });
export const pauseJobRequest = z.strictObject({ release: z.boolean().default(false) });

export const retryResponse = z.object({ id: z.uuid(), status: jobStatusSchema, retryCount: z.int(), retryAfter: time.nullable(), log: z.string() });
export const cancelResponse = z.object({ id: z.uuid(), status: jobStatusSchema, log: z.string(), cancelRequestedAt: time.nullable() });
export const stateResponse = z.object({ id: z.uuid(), status: jobStatusSchema });

export const jobStatsSchema = z.object({
  pending: z.int(),
  queued: z.int(),
  running: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  paused: z.int(),
  totalVramUsed: z.int(),
  totalVramAvailable: z.int(),
  averageProcessingTime: z.number(),
  jobsByType: z.record(z.string(), z.int()),
});
export type JobStats = z.infer<typeof jobStatsSchema>;

export const attemptSchema = z.object({
  epoch: z.int(),
  nodeId: z.string().nullable(),
  deviceId: z.string().nullable(),
  placedAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  outcome: z.string().nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;

export const auditEntrySchema = z.object({
  id: z.string(), at: time, event: z.string(), from: z.string().nullable(), to: z.string().nullable(), actor: z.string(), epoch: z.int().nullable(), detail: z.string().nullable(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** Markers in a job's log, word for word what scripts look for. */
export const LOG_MARKERS = {
  retry: (attempt: number): string => `--- RETRY ATTEMPT ${attempt} ---`,
  cancelled: '--- JOB CANCELLED BY ADMIN ---',
  error: '--- ERROR ---',
  endedByHand: '--- JOB ENDED BY HAND ---',
  shed: '--- JOB ENDED TO FREE MEMORY ---',
} as const;
/** Bytes of log kept inline with a finished job (job-queue document, "Limit log size"). */
export const INLINE_LOG_BYTES = 10_240;
