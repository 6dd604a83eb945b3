/** Live events over SSE: GET /api/media/events?topics=jobs,nodes,streams,videos */
import { z } from 'zod';
import { jobSchema } from './jobs.ts';
import { nodeSchema } from './nodes.ts';
import { streamEndSchema, streamSchema } from './streams.ts';
import { videoSchema } from './videos.ts';

export const EVENT_TOPICS = ['jobs', 'nodes', 'streams', 'videos'] as const;
export const eventTopicSchema = z.enum(EVENT_TOPICS);
export type EventTopic = z.infer<typeof eventTopicSchema>;
export const eventsQuery = z.strictObject({
  topics: z.string().transform((text) => text.split(',')).pipe(z.array(eventTopicSchema).min(1)).default([...EVENT_TOPICS]),
});

/**
 * The SSE `event:` names and their `data:`. `job`, `video` and `node` carry the whole current object and a resume id;
 * `progress` is coalesced (latest wins) and carries none. `stream` carries the whole object, too: with an id and the change
 * `opened` when it was opened, else coalesced, at most once a second for each; `stream-ended` has an id, unless the gateway of
 * the stream is gone; `streams` are all there are, sent whenever a connection with that topic begins. `reset` means: your
 * resume id is not known here, load the lists again; `hello` opens the stream with the id to resume from; `moving` is the last one of a gateway
 * that stops: come back after `retryMs`, another one goes on after the last id.
 */
export const liveEventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('hello'), data: z.object({ id: z.string() }) }),
  z.object({ event: z.literal('reset'), data: z.object({ reason: z.string() }) }),
  z.object({ event: z.literal('moving'), data: z.object({ retryMs: z.int() }) }),
  z.object({ event: z.literal('job'), data: z.object({ job: jobSchema, change: z.string() }) }),
  z.object({ event: z.literal('progress'), data: z.object({
    jobId: z.uuid(), epoch: z.int(), percent: z.number(), phase: z.string(), message: z.string(),
    fps: z.number().nullable(), speed: z.number().nullable(), etaSeconds: z.number().nullable(),
  }) }),
  z.object({ event: z.literal('video'), data: z.object({ video: videoSchema, change: z.string() }) }),
  z.object({ event: z.literal('video-deleted'), data: z.object({ id: z.uuid() }) }),
  z.object({ event: z.literal('stream'), data: z.object({ stream: streamSchema, change: z.string() }) }),
  z.object({ event: z.literal('streams'), data: z.object({ data: z.array(streamSchema) }) }),
  z.object({ event: z.literal('stream-ended'), data: streamEndSchema }),
  z.object({ event: z.literal('node'), data: z.object({ node: nodeSchema, change: z.string() }) }),
]);
export type LiveEvent = z.infer<typeof liveEventSchema>;
