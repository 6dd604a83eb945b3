/** HTTP shapes of the list of on-demand transcodes. */
import { z } from 'zod';
import { HEAD_STATES } from '../stream/session.ts';

export const STREAM_STATES = ['placing', 'open', 'waiting', 'elsewhere'] as const;
export const streamHeadSchema = z.object({
  id: z.uuid(),
  renditionId: z.string(),
  state: z.enum(HEAD_STATES),
  /** First segment of the run, the next one it makes, and the first one it may not make yet. */
  from: z.int(),
  next: z.int(),
  until: z.int(),
  /** Where these begin in the film. */
  fromSeconds: z.number(),
  nextSeconds: z.number(),
  pid: z.int().nullable(),
  encoder: z.string().nullable(),
  fps: z.number().nullable(),
  /** Times real time. */
  speed: z.number().nullable(),
  uptimeSeconds: z.number(),
  detail: z.string().nullable(),
});
export const streamSchema = z.object({
  id: z.uuid(),
  kind: z.enum(['segments', 'pipe']),
  videoId: z.uuid(),
  videoTitle: z.string().nullable(),
  version: z.string(),
  /** `waiting`: no node has a place; `elsewhere`: of another gateway, which knows the details. */
  state: z.enum(STREAM_STATES),
  gateway: z.string(),
  nodeId: z.string().nullable(),
  deviceId: z.string().nullable(),
  encoder: z.string().nullable(),
  /** Distinct viewers of the last half minute. */
  viewers: z.int(),
  uptimeSeconds: z.number(),
  idleSeconds: z.number(),
  heads: z.array(streamHeadSchema),
  /** Segments made for it, and requests answered from the cache meanwhile. */
  segments: z.int(),
  cacheHits: z.int(),
  /** What stands in its way, or fell back, in a sentence. */
  detail: z.string().nullable(),
});
export type Stream = z.infer<typeof streamSchema>;
export const streamListSchema = z.object({ data: z.array(streamSchema) });
export type StreamList = z.infer<typeof streamListSchema>;
/** The same for those who watch: nothing of processes and of other viewers but their number; where it runs only for a SUPER_ADMIN. */
export const streamStatsSchema = streamSchema.pick({ state: true, nodeId: true, deviceId: true, encoder: true, viewers: true, uptimeSeconds: true, segments: true, detail: true }).extend({
  heads: z.array(streamHeadSchema.pick({ renditionId: true, state: true, encoder: true, fps: true, speed: true })),
});
export type StreamStats = z.infer<typeof streamStatsSchema>;
export const streamStatsListSchema = z.object({ data: z.array(streamStatsSchema) });
export type StreamStatsList = z.infer<typeof streamStatsListSchema>;
export const endStreamRequest = z.strictObject({ reason: z.string().trim().min(1).max(300).optional() });
export const endStreamResponse = z.object({ id: z.uuid(), ended: z.literal(true) });
