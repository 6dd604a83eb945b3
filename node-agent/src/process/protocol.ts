/**
 * What the agent and a job's process say to each other: one JSON object a line.
 *
 *   agent ──order, started──▶ stdin        stdout ──ready, log, progress, alive, done──▶ agent
 *
 * A job process takes one order, serves it and exits. The end of stdin means that the agent is gone or wants it to end.
 */
import { jobOutcomeSchema, logLineSchema, progressSchema, workOrderSchema } from '@reelay/contracts';
import { z } from 'zod';

/** What a job's process needs to know of its node. */
const jobContextSchema = z.object({
  gatewayUrl: z.string(),
  /** The hub's library as this node mounts it, else null. */
  libraryRoot: z.string().nullable(),
  /** For this attempt alone; made when needed, removed by the agent. */
  scratchDir: z.string(),
  encoder: z.string(),
  gpuIndex: z.number().int().nullable(),
  ffmpegPath: z.string(),
  ffprobePath: z.string(),
  killGraceMs: z.number(),
});
export type JobContext = z.infer<typeof jobContextSchema>;

export const toJobSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('order'), order: workOrderSchema, context: jobContextSchema }),
  /** The hub knows that the attempt runs: from now on it accepts effects. */
  z.object({ kind: z.literal('started') }),
]);
export type ToJob = z.infer<typeof toJobSchema>;

const jobProgressSchema = progressSchema.pick({ percent: true, phase: true, message: true, fps: true, speed: true, etaSeconds: true });
export type JobProgress = z.infer<typeof jobProgressSchema>;

export const fromJobSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('log'), line: logLineSchema }),
  z.object({ kind: z.literal('progress'), progress: jobProgressSchema }),
  /** Something moves (bytes, packets), although there is no new percentage. */
  z.object({ kind: z.literal('alive') }),
  z.object({ kind: z.literal('done'), outcome: jobOutcomeSchema }),
]);
export type FromJob = z.infer<typeof fromJobSchema>;

/** A done message holds up to 512 KB of result; the rest is far smaller. */
export const MAX_LINE_CHARS = 4 * 1024 * 1024;
