/** Bodies of the NATS messages. JSON; `v` lets old and new processes recognise each other. */
import { z } from 'zod';
import { limitsSchema } from '../job/category.ts';
import { NODE_ID_PATTERN } from './subjects.ts';
import { jobOutcomeSchema, workOrderSchema } from './work-order.ts';

export const PROTOCOL_VERSION = 1;
const v = z.literal(PROTOCOL_VERSION);

export const nodeIdSchema = z.string().regex(NODE_ID_PATTERN, 'must be lower-case letters, digits, - and _');
export const attemptRefSchema = z.object({ jobId: z.uuid(), epoch: z.int().min(1) });
export type AttemptRef = z.infer<typeof attemptRefSchema>;

export const deviceReportSchema = z.object({
  /** NVIDIA UUID, or `software`. */
  id: z.string().min(1).max(128),
  index: z.int().min(0),
  kind: z.enum(['nvidia', 'software']),
  name: z.string().max(200),
  totalMb: z.int().min(0),
  freeMb: z.int().min(0),
  /** Percent; null when the device does not tell. */
  utilization: z.number().nullable(),
  temperatureC: z.number().nullable(),
});
export type DeviceReport = z.infer<typeof deviceReportSchema>;

/** What a trial encode showed for one H.264 encoder. */
export const encoderTrialSchema = z.object({
  encoder: z.string().max(64),
  deviceId: z.string().nullable(),
  ok: z.boolean(),
  reason: z.string().max(500).nullable(),
});
export type EncoderTrial = z.infer<typeof encoderTrialSchema>;

export const loadReportSchema = z.object({
  /** 1-minute load average, and the number of CPUs it is to be read against. */
  load1: z.number(),
  cpus: z.int(),
  memoryFreeMb: z.int(),
  memoryTotalMb: z.int(),
  /** Free bytes where the agent writes outputs; null when unknown. */
  diskFreeBytes: z.number().nullable(),
  /** Set while memory is short. `soft`: no new batch work; `hard`: the newest is given back. `detail` has the numbers. */
  memoryPressure: z.object({ level: z.enum(['soft', 'hard']), detail: z.string().max(300) }).nullable().optional(),
});
export type LoadReport = z.infer<typeof loadReportSchema>;

export const helloSchema = z.object({
  v,
  /** UUID of this start of the agent: the newest incarnation wins a node id. */
  incarnation: z.uuid(),
  name: z.string().min(1).max(100),
  version: z.string().max(40),
  devices: z.array(deviceReportSchema).min(1).max(64),
  limits: limitsSchema,
  /** The H.264 encoder in use, and every one tried. */
  encoder: z.string().max(64).nullable(),
  encoderTrials: z.array(encoderTrialSchema).max(32),
  ffmpegVersion: z.string().max(100).nullable(),
  labels: z.record(z.string().max(63), z.string().max(63)),
  /** How many on-demand transcodes it serves at the same time; 0 from an agent that does not know them. */
  sessionLimit: z.int().min(0).max(1000).optional(),
  /** Id in the library's marker file when the agent mounts one, else null. */
  libraryId: z.string().max(64).nullable(),
  load: loadReportSchema,
});
export type Hello = z.infer<typeof helloSchema>;
export const helloReplySchema = z.object({
  ok: z.literal(true),
  heartbeatMs: z.int(),
  leaseMs: z.int(),
  adminState: z.enum(['active', 'draining', 'cordoned']),
  /** Id of the hub's library: equal to the agent's when both see the same files. */
  libraryId: z.string(),
});
export type HelloReply = z.infer<typeof helloReplySchema>;

export const heartbeatSchema = z.object({
  v,
  incarnation: z.uuid(),
  running: z.array(attemptRefSchema).max(2000),
  /** On-demand transcodes that it serves: their leases are renewed. */
  sessions: z.array(z.uuid()).max(1000).optional(),
  devices: z.array(deviceReportSchema).max(64),
  load: loadReportSchema,
  draining: z.boolean(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
export const killReasonSchema = z.enum(['cancelled', 'stale', 'released']);
export const heartbeatReplySchema = z.object({
  ok: z.literal(true),
  /** False: this incarnation is not the node's newest, or the node is unknown; say hello again or stop. */
  known: z.boolean(),
  /** True when a newer agent with the same id took over: this one must end its work and exit. */
  superseded: z.boolean(),
  renewed: z.array(attemptRefSchema),
  /** `why`: of those released, the ones that a drain ends. */
  kill: z.array(attemptRefSchema.extend({ reason: killReasonSchema, why: z.literal('drain').optional() })),
  /** Which of the renewed are paused: the node freezes these and thaws the others, should a pause or resume have been lost. */
  frozen: z.array(attemptRefSchema).optional(),
  /** Sessions that the hub does not know any more: the node ends them. */
  endSessions: z.array(z.uuid()).optional(),
  /** How often to say so from now on: it may change while both run. */
  heartbeatMs: z.int().optional(),
  leaseMs: z.int(),
  adminState: z.enum(['active', 'draining', 'cordoned']),
  /** Until what runs is given back, on a node that drains with a deadline; null without one. */
  drainMs: z.int().min(0).nullable().optional(),
});
export type HeartbeatReply = z.infer<typeof heartbeatReplySchema>;

export const assignSchema = z.object({ v, incarnation: z.uuid(), orders: z.array(workOrderSchema).min(1).max(100) });
export type Assign = z.infer<typeof assignSchema>;
export const refusalSchema = z.object({ code: z.enum(['draining', 'no_vram', 'no_slot', 'no_disk', 'stale_epoch', 'wrong_incarnation', 'no_encoder', 'memory_pressure']), detail: z.string().max(500) });
export const assignReplySchema = z.object({
  ok: z.literal(true),
  results: z.array(attemptRefSchema.extend({ accepted: z.boolean(), refusal: refusalSchema.nullable() })),
});
export type AssignReply = z.infer<typeof assignReplySchema>;

export const startedSchema = attemptRefSchema.extend({ v, incarnation: z.uuid() });
export type Started = z.infer<typeof startedSchema>;
/** `current: false`: the attempt is not the job's any more; end it. */
export const startedReplySchema = z.object({ ok: z.literal(true), current: z.boolean() });
export type StartedReply = z.infer<typeof startedReplySchema>;

export const progressSchema = attemptRefSchema.extend({
  v,
  /** 0–100 with fractions. */
  percent: z.number().min(0).max(100),
  phase: z.string().max(60),
  message: z.string().max(300),
  fps: z.number().nullable(),
  /** Times real time. */
  speed: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  /** Set when 5 % or 5 s have passed since the last one so marked: the hub writes only these to Postgres. */
  checkpoint: z.boolean(),
});
export type Progress = z.infer<typeof progressSchema>;

export const logLineSchema = z.object({ at: z.iso.datetime(), stream: z.enum(['job', 'ffmpeg', 'stderr']), text: z.string().max(4000) });
export type LogLine = z.infer<typeof logLineSchema>;
/** A batch of log lines; resent until acknowledged, `offset` (number of the first line of the attempt) makes it idempotent. */
export const logBatchSchema = attemptRefSchema.extend({ v, incarnation: z.uuid(), offset: z.int().min(0), lines: z.array(logLineSchema).min(1).max(500) });
export type LogBatch = z.infer<typeof logBatchSchema>;
export const ackSchema = z.object({ ok: z.literal(true) });

export const doneSchema = attemptRefSchema.extend({ v, incarnation: z.uuid(), outcome: jobOutcomeSchema });
export type Done = z.infer<typeof doneSchema>;
/** `stale`: another attempt owns the job; the agent removes its part files. Resent until one of these comes back. */
export const doneReplySchema = z.object({ ok: z.literal(true), verdict: z.enum(['settled', 'stale']) });
export type DoneReply = z.infer<typeof doneReplySchema>;

export const cancelSchema = attemptRefSchema.extend({ v, reason: killReasonSchema });
export type Cancel = z.infer<typeof cancelSchema>;
/** pause freezes the process group (SIGSTOP); resume thaws it. */
export const pauseSchema = attemptRefSchema.extend({ v });
export const controlReplySchema = z.object({ ok: z.literal(true), known: z.boolean() });
export type ControlReply = z.infer<typeof controlReplySchema>;
/** `deadlineMs`: what still runs then is given back. Without one, running jobs finish. */
export const drainSchema = z.object({ v, draining: z.boolean(), deadlineMs: z.int().min(0).optional() });

/** Sent with every message that went wrong on the answering side. */
export const errorReplySchema = z.object({ ok: z.literal(false), code: z.string(), detail: z.string().optional() });

export const hintSchema = z.object({ v });
/** Whoever holds the upload should let go of it: its client came back with another request. */
export const uploadHintSchema = z.object({ v, uploadId: z.string() });

export const leaderMetricsSchema = z.object({
  ok: z.literal(true),
  pending: z.int(),
  runningByCategory: z.record(z.string(), z.int()),
  vramUsedMb: z.int(),
  vramTotalMb: z.int(),
  jobsTotal: z.array(z.object({ type: z.string(), status: z.string(), count: z.int() })),
});
export type LeaderMetrics = z.infer<typeof leaderMetricsSchema>;
