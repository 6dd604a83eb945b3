/** A work order is all an agent needs for one attempt: it has no database. */
import { z } from 'zod';
import { jobTypeSchema } from '../job/catalogue.ts';
import { resourceCategorySchema } from '../job/category.ts';

const relativePath = z.string().min(1).max(1024);

export const inputFileSchema = z.object({
  name: z.string().max(64),
  path: relativePath,
  sizeBytes: z.number(),
  mtimeMs: z.number(),
  inode: z.string(),
  /** Path on the gateway (`/agent/v1/files/<token>`), Range allowed: for an agent that does not hold this very file. */
  url: z.string(),
});
export type InputFile = z.infer<typeof inputFileSchema>;

export const outputFileSchema = z.object({
  name: z.string().max(64),
  /** Where the file is wanted; the hub chooses the final name when it publishes. */
  path: relativePath,
  /** `.<name>.<job>.<epoch>.part` beside it: the only name an agent writes. */
  partPath: relativePath,
  /** Path on the gateway for PUT of the finished part: for an agent without the library. */
  url: z.string(),
  onConflict: z.enum(['rename', 'fail', 'replace']),
});
export type OutputFile = z.infer<typeof outputFileSchema>;

export const workOrderSchema = z.object({
  jobId: z.uuid(),
  epoch: z.int().min(1),
  type: jobTypeSchema,
  category: resourceCategorySchema,
  deviceId: z.string(),
  vramMb: z.int().min(0),
  leaseMs: z.int(),
  timeLimitMs: z.int(),
  stallMs: z.int(),
  inputs: z.array(inputFileSchema).max(500),
  outputs: z.array(outputFileSchema).max(200),
  /** Path prefix on the gateway for effect batches: POST `<effectsUrl>/<n>`. */
  effectsUrl: z.string(),
  /** The type's own order, made by its `prepare`, read by its `execute`. */
  order: z.record(z.string(), z.unknown()),
});
export type WorkOrder = z.infer<typeof workOrderSchema>;

export const producedFileSchema = z.object({
  /** Name of the order's output. */
  name: z.string().max(64),
  sizeBytes: z.number().min(0),
});
export type ProducedFile = z.infer<typeof producedFileSchema>;

export const jobErrorSchema = z.object({
  code: z.string().max(64),
  message: z.string().max(2000),
  /** False: trying again cannot help (bad input), so no automatic retry. */
  retryable: z.boolean(),
});
export type JobError = z.infer<typeof jobErrorSchema>;

/** How an attempt ended, said by its agent. */
export const jobOutcomeSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('completed'),
    files: z.array(producedFileSchema).max(200),
    /** Effects of the type, applied in the completing transaction. ≤ 512 KB; larger ones go in batches over HTTP. */
    result: z.record(z.string(), z.unknown()),
  }),
  z.object({ kind: z.literal('failed'), error: jobErrorSchema }),
  z.object({ kind: z.literal('cancelled') }),
  /** Given back: the agent stops or drains. Not the job's fault, costs no retry. */
  z.object({
    kind: z.literal('released'),
    reason: z.string().max(500),
    /** `memory`: ended to free memory. Counted with lost nodes, and back only after a while. `shutdown`: the agent itself ends, so it is offered nothing more. */
    cause: z.enum(['memory', 'shutdown']).optional(),
  }),
]);
export type JobOutcome = z.infer<typeof jobOutcomeSchema>;
