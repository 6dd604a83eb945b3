/** What gateways tell and ask each other about the streams they encode. Nodes have no right to any of these subjects. */
import { z } from 'zod';
import { streamSchema } from '../http/streams.ts';
import { PROTOCOL_VERSION } from './messages.ts';

const v = z.literal(PROTOCOL_VERSION);

/** A message with streams is split before it is this large. */
export const MAX_STREAMS_BYTES = 512 * 1024;

/** Sent every second, with or without news: who is silent for long is gone. */
export const streamNewsSchema = z.object({
  v,
  gatewayId: z.uuid(),
  gateway: z.string(),
  /** Those that changed. */
  streams: z.array(streamSchema),
  ended: z.array(z.uuid()),
  /** Now and then all that there are, in case something was missed; else null. */
  all: z.array(z.uuid()).nullable(),
});
export type StreamNews = z.infer<typeof streamNewsSchema>;

export const listStreamsSchema = z.object({ v });
export const listStreamsReplySchema = z.object({ ok: z.literal(true), streams: z.array(streamSchema) });
export type ListStreamsReply = z.infer<typeof listStreamsReplySchema>;

export const endStreamOrderSchema = z.object({ v, streamId: z.uuid(), by: z.string().min(1).max(100) });
export type EndStreamOrder = z.infer<typeof endStreamOrderSchema>;
/** `ended`: the stream as it was; null when that gateway has none with the id. */
export const endStreamReplySchema = z.object({ ok: z.literal(true), ended: streamSchema.nullable() });
export type EndStreamReply = z.infer<typeof endStreamReplySchema>;
