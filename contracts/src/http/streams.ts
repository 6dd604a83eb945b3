/** HTTP shapes of the list of on-demand transcodes. */
import { z } from 'zod';
import { HEAD_STATES } from '../stream/session.ts';

/** `elsewhere`: of a gateway that does not answer and was never heard; only its place on a node is known. */
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
  /** `waiting`: no node has a place. */
  state: z.enum(STREAM_STATES),
  /** Name of the gateway that it belongs to. */
  gateway: z.string(),
  /** That gateway does not answer: this is how it was last heard, and its figures do not move. */
  unreachable: z.boolean(),
  /** What its node knows it by; null without a place. */
  sessionId: z.uuid().nullable(),
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
/** How a stream ended. */
export const streamEndSchema = z.object({
  id: z.uuid(),
  kind: z.enum(['segments', 'pipe']),
  videoId: z.uuid(),
  gateway: z.string(),
  /** `session_idle`, `killed_by_hand`, `file_reclaimed`, `shutdown`, `finished`, `gateway_lost` and others. */
  code: z.string(),
  /** The same in words. */
  cause: z.string(),
  /** Who ended it by hand. */
  by: z.string().nullable(),
});
export type StreamEnd = z.infer<typeof streamEndSchema>;
/** The same for those who watch: nothing of processes and of other viewers but their number; where it runs only for a SUPER_ADMIN. */
export const streamStatsSchema = streamSchema.pick({ state: true, nodeId: true, deviceId: true, encoder: true, viewers: true, uptimeSeconds: true, segments: true, detail: true }).extend({
  heads: z.array(streamHeadSchema.pick({ renditionId: true, state: true, encoder: true, fps: true, speed: true })),
});
export type StreamStats = z.infer<typeof streamStatsSchema>;
export const streamStatsListSchema = z.object({ data: z.array(streamStatsSchema) });
export type StreamStatsList = z.infer<typeof streamStatsListSchema>;
export const endStreamRequest = z.strictObject({ reason: z.string().trim().min(1).max(300).optional() });
export const endStreamResponse = z.object({ id: z.uuid(), ended: z.literal(true) });
