/** HTTP shapes of the process list. */
import { z } from 'zod';
import { jobStatusSchema } from '../job/status.ts';
import { killProcessReplySchema, processInfoSchema } from '../nats/processes.ts';

export const processSchema = processInfoSchema.extend({
  nodeId: z.string(),
  /** Title of the video that the job is about. */
  videoTitle: z.string().nullable(),
});
export type Process = z.infer<typeof processSchema>;

export const nodeProcessesSchema = z.object({
  nodeId: z.string(),
  data: z.array(processSchema),
  /** Processes that did not fit into the node's answer. */
  leftOff: z.int(),
});
export type NodeProcesses = z.infer<typeof nodeProcessesSchema>;

export const allProcessesSchema = z.object({
  data: z.array(processSchema),
  leftOff: z.int(),
  /** Nodes that did not answer, each with the reason; the others are listed all the same. */
  unreachable: z.array(z.object({ nodeId: z.string(), code: z.string(), detail: z.string() })),
});
export type AllProcesses = z.infer<typeof allProcessesSchema>;

export const endProcessRequest = z.strictObject({ reason: z.string().trim().min(1).max(300).optional() });

export const endProcessResponse = z.object({
  processId: z.string(),
  nodeId: z.string(),
  result: z.enum(['ended', 'ending']),
  pid: z.int().nullable(),
  name: z.string().nullable(),
  how: killProcessReplySchema.shape.how,
  tookMs: z.number().nullable(),
  forced: z.boolean(),
  /** The job it worked for, with its status by now. */
  job: z.object({ id: z.uuid(), epoch: z.int(), status: jobStatusSchema }).nullable(),
});
export type EndProcess = z.infer<typeof endProcessResponse>;
