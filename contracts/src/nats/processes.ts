/** What a node says of its processes, and how one of them is ended by hand. Asked for on `agent.<id>.processes` and `agent.<id>.kill`. */
import { z } from 'zod';
import { jobTypeSchema } from '../job/catalogue.ts';
import { attemptRefSchema, PROTOCOL_VERSION } from './messages.ts';

const v = z.literal(PROTOCOL_VERSION);

/** A process and its start time, so that an id of today never names a process of tomorrow. */
export const processIdSchema = z.string().regex(/^[1-9]\d{0,9}-\d{1,20}$/, 'must be <pid>-<start>');

export const processMemberSchema = z.object({
  pid: z.int(),
  name: z.string().max(100),
  cpuMs: z.number(),
  rssBytes: z.number(),
});

/** A process that the node's agent started, with all that it started itself. */
export const processInfoSchema = z.object({
  id: processIdSchema,
  pid: z.int(),
  name: z.string().max(100),
  /** `batch`: a job. `interactive`: a viewer waits for it. `tool`: a short question to a program. `service`: the node's own. */
  kind: z.enum(['service', 'batch', 'interactive', 'tool']),
  /** What it works for, in words. */
  owner: z.string().max(200).nullable(),
  /** The attempt it works for; null when it is no job's. */
  job: attemptRefSchema.extend({ type: jobTypeSchema }).nullable(),
  /** The main input: a library path. */
  file: z.string().max(1024).nullable(),
  /** `frozen`: stopped by a pause. `ending`: asked to end, or being killed. */
  state: z.enum(['running', 'frozen', 'ending']),
  uptimeMs: z.number(),
  /** Of the whole tree, as the two figures below; null where the system does not tell. */
  cpuMs: z.number().nullable(),
  /** 100 = one CPU; since the look before. */
  cpuPercent: z.number().nullable(),
  rssBytes: z.number().nullable(),
  /** Most memory of the tree; null without a limit. */
  memoryLimitMb: z.int().nullable(),
  /** The whole tree, the process itself first. */
  members: z.array(processMemberSchema).max(200),
});
export type ProcessInfo = z.infer<typeof processInfoSchema>;

/** A node answers with at most this much; what is left off is counted. */
export const MAX_PROCESSES_BYTES = 512 * 1024;

export const processesRequestSchema = z.object({ v });
export const processesReplySchema = z.object({
  ok: z.literal(true),
  processes: z.array(processInfoSchema).max(5000),
  /** Processes that did not fit into the answer. */
  leftOff: z.int().min(0),
});
export type ProcessesReply = z.infer<typeof processesReplySchema>;

export const killProcessSchema = z.object({
  v,
  processId: processIdSchema,
  /** Name of the user. */
  by: z.string().min(1).max(100),
  reason: z.string().max(300).nullable(),
});
export type KillProcess = z.infer<typeof killProcessSchema>;

export const killProcessReplySchema = z.object({
  ok: z.literal(true),
  /** `gone`: there is no such process, any more or ever. `ending`: it takes longer than the node waits. */
  result: z.enum(['ended', 'ending', 'gone']),
  pid: z.int().nullable(),
  name: z.string().max(100).nullable(),
  job: attemptRefSchema.nullable(),
  /** How it ended, in words: `signal SIGTERM`, `exit code 0`. */
  how: z.string().max(200).nullable(),
  /** From the request to the end. */
  tookMs: z.number().nullable(),
  /** It ignored SIGTERM and was killed. */
  forced: z.boolean(),
});
export type KillProcessReply = z.infer<typeof killProcessReplySchema>;
