/**
 * What gateway, scheduler and node say about an on-demand transcode.
 *
 *   gateway ──hub.session.place──▶ scheduler     once per session: a node and device, booked with a lease
 *   gateway ──agent.<id>.session──▶ node         open, head, keep (every 2 s; lost after 3), close
 *   node ──HTTP PUT──▶ gateway                   init and segments: /agent/v1/segments/<token>/<head>/init | <n>
 *   node ──heartbeat──▶ scheduler                the sessions it serves; their leases are renewed by it
 *
 * A session is one video and version at one gateway on one device. A head is one run of ffmpeg: one rendition from one
 * segment on. Several viewers share heads; viewers far apart have heads of their own.
 */
import { z } from 'zod';
import { rationalSchema } from '../media/media-info.ts';
import { inputFileSchema } from '../nats/work-order.ts';

const v = z.literal(1);
const sessionId = z.uuid();
const headId = z.uuid();
const renditionId = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);

export const videoGridSchema = z.object({
  frameRate: rationalSchema, gopFrames: z.int().min(1), frames: z.int().min(1), timescale: z.int().min(1), frameTicks: z.int().min(1),
});
export const audioGridSchema = z.object({ sampleRate: z.int().min(1), frameSamples: z.int().min(1), frames: z.int().min(1), segment: rationalSchema });

/** H.264, in the size on screen, one closed group of pictures per segment. */
export const videoRecipeSchema = z.object({
  kind: z.literal('video'),
  streamIndex: z.int().min(0),
  grid: videoGridSchema,
  width: z.int().min(2),
  height: z.int().min(2),
  videoKbps: z.int().min(1),
  maxKbps: z.int().min(1),
  /** H.264 level times ten, such as 31; the profile is High. The playlist promises both. */
  level: z.int().min(10).max(62),
  /** ffmpeg turns pictures by itself; this is what it turns, for the trial of hardware decoding. */
  rotationDegrees: z.number(),
  deinterlace: z.boolean(),
  /** The source is HDR: tone mapped to BT.709. */
  toneMap: z.enum(['pq', 'hlg']).nullable(),
  /** The source's demuxer seeks to a time and not to a keyframe: reading begins so much earlier, and what is decoded meanwhile is not shown. */
  prerollSeconds: z.number().min(0).max(120).optional(),
});
export type VideoRecipe = z.infer<typeof videoRecipeSchema>;
/** AAC-LC, stereo. */
export const audioRecipeSchema = z.object({
  kind: z.literal('audio'),
  streamIndex: z.int().min(0),
  grid: audioGridSchema,
  audioKbps: z.int().min(8),
  channels: z.int().min(1).max(2),
});
export type AudioRecipe = z.infer<typeof audioRecipeSchema>;
export const renditionRecipeSchema = z.discriminatedUnion('kind', [videoRecipeSchema, audioRecipeSchema]);
export type RenditionRecipe = z.infer<typeof renditionRecipeSchema>;

/** Asks any scheduler for a place. Interactive: it goes ahead of waiting jobs and uses what is kept back for it. */
export const placeSessionSchema = z.object({
  v, sessionId, videoId: z.uuid(), version: z.string().max(64),
  /** The gateway that asks: its instance id. */
  gatewayId: z.string().max(64),
  vramMb: z.int().min(0),
  /** Nodes that failed for this video just now. */
  excludeNodes: z.array(z.string().max(63)).max(100),
});
export type PlaceSession = z.infer<typeof placeSessionSchema>;
export const placeSessionReplySchema = z.object({
  ok: z.literal(true),
  place: z.object({ nodeId: z.string(), incarnation: z.uuid(), deviceId: z.string(), leaseMs: z.int() }).nullable(),
  /** One sentence with numbers when there is no place. */
  reason: z.string().nullable(),
  retryAfterSeconds: z.int().nullable(),
});
export type PlaceSessionReply = z.infer<typeof placeSessionReplySchema>;
/** Gives the place back; the lease's end does it too. */
export const endSessionSchema = z.object({ v, sessionId, reason: z.string().max(200) });
export type EndSession = z.infer<typeof endSessionSchema>;

export const openSessionSchema = z.object({
  v, kind: z.literal('open'), sessionId, incarnation: z.uuid(), videoId: z.uuid(), deviceId: z.string(),
  /** Where segments go: `<gatewayUrl><publishPath>/<headId>/<n>`; null: the gateway that the node knows. */
  gatewayUrl: z.string().nullable(),
  publishPath: z.string(),
  source: inputFileSchema,
  /** Seconds on the source's own clock: what is 0 of both grids, and where the file itself begins. */
  originSeconds: z.number(),
  fileStartSeconds: z.number(),
  renditions: z.record(renditionId, renditionRecipeSchema),
});
export type OpenSession = z.infer<typeof openSessionSchema>;

/** Starts a head that publishes segments `from`, `from + 1`, … and reads on only while they are below `until`. */
export const startHeadSchema = z.object({
  v, kind: z.literal('head'), sessionId, headId, renditionId, from: z.int().min(0), until: z.int().min(0),
  /** A viewer looks at an empty screen: the fastest preset for the first segments. */
  urgent: z.boolean(),
});
export type StartHead = z.infer<typeof startHeadSchema>;

/** Says that the gateway lives, how far each head may go, and which heads nobody wants any more. */
export const keepSessionSchema = z.object({
  v, kind: z.literal('keep'), sessionId,
  heads: z.array(z.object({ headId, until: z.int().min(0) })).max(200),
  drop: z.array(z.object({ headId, reason: z.string().max(100) })).max(200),
});
export const closeSessionSchema = z.object({ v, kind: z.literal('close'), sessionId, reason: z.string().max(200) });
export type CloseSession = z.infer<typeof closeSessionSchema>;
/** One continuous fragmented MP4, sent with one chunked POST to `<gatewayUrl><path>`; ends with its request. */
export const startPipeSchema = z.object({
  v, kind: z.literal('pipe'), sessionId, headId, path: z.string(), startSeconds: z.number().min(0), video: renditionId.nullable(), audio: renditionId.nullable(),
});
export type StartPipe = z.infer<typeof startPipeSchema>;
export const sessionRequestSchema = z.discriminatedUnion('kind', [openSessionSchema, startHeadSchema, keepSessionSchema, closeSessionSchema, startPipeSchema]);
export type SessionRequest = z.infer<typeof sessionRequestSchema>;

export const HEAD_STATES = ['starting', 'running', 'waiting', 'ended', 'failed'] as const;
export const headReportSchema = z.object({
  headId, renditionId, from: z.int().min(0),
  /** The next segment it will publish. */
  next: z.int().min(0),
  state: z.enum(HEAD_STATES),
  pid: z.int().nullable(),
  uptimeMs: z.int().min(0),
  fps: z.number().nullable(),
  /** Times real time. */
  speed: z.number().nullable(),
  encoder: z.string().max(64),
  /** Why it ended or failed, in a sentence. */
  detail: z.string().max(500).nullable(),
});
export type HeadReport = z.infer<typeof headReportSchema>;
export const sessionReplySchema = z.object({
  ok: z.literal(true),
  /** False: the node does not know the session (it restarted, or closed it): open another. */
  known: z.boolean(),
  /** Why an open, head or pipe was refused. */
  refusal: z.object({ code: z.enum(['draining', 'busy', 'wrong_incarnation', 'no_encoder', 'source_unreachable', 'unknown_rendition']), detail: z.string().max(500) }).nullable(),
  heads: z.array(headReportSchema),
});
export type SessionReply = z.infer<typeof sessionReplySchema>;

/** How often a gateway says `keep`, and after how many silent ones a node ends the session. */
export const SESSION_KEEP_MS = 2_000;
export const SESSION_LOST_AFTER = 3;
