import { DEFAULT_LIMITS, nodeIdSchema } from '@reelay/contracts';
import { commonSettings, defineSettings, type Settings } from '@reelay/runtime';
import { z } from 'zod';

const limit = (byDefault: number) => z.coerce.number().int().min(0).max(1000).default(byDefault);
const milliseconds = (byDefault: number) => z.coerce.number().int().min(1).max(86_400_000).default(byDefault);

/** `zone=attic,gpu=big` as a record. */
const labels = z
  .string()
  .regex(/^\s*([^=,\s]{1,63}=[^=,]{0,63}\s*(,\s*|$))*$/, { error: 'expected name=value pairs separated by commas' })
  .transform((text) => Object.fromEntries(text.split(',').filter((pair) => pair.includes('=')).map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()])))
  .default({});

export const agentSettings = defineSettings({
  REELAY_NODE_ID: { schema: nodeIdSchema, doc: 'Id of this node: lower-case letters, digits, - and _. Its NATS credentials are bound to it.' },
  REELAY_NODE_NAME: { schema: z.string().min(1).max(100).optional(), doc: 'Name shown to people; the id when left out.', reloadable: true },
  REELAY_GATEWAY_URL: { schema: z.string().regex(/^https?:\/\/.+/, { error: 'expected an http or https URL' }), doc: 'Where this node fetches inputs and sends results.' },
  NATS_URL: commonSettings.NATS_URL,
  REELAY_NATS_CREDS: commonSettings.REELAY_NATS_CREDS,
  MEDIA_LIBRARY_PATH: { schema: z.string().min(1).optional(), doc: 'Where the hub’s library is mounted on this node. Without it files travel over HTTP.' },
  REELAY_WORK_DIR: { schema: z.string().min(1), doc: 'Folder of this node: lock, PID file and scratch files; each agent of a host needs one of its own. Needs room for what is fetched and made when there is no mount.' },
  FFMPEG_PATH: { schema: z.string().min(1).default('ffmpeg'), doc: 'The ffmpeg program; looked up on PATH when it is a bare name.' },
  FFPROBE_PATH: { schema: z.string().min(1).default('ffprobe'), doc: 'The ffprobe program; looked up on PATH when it is a bare name.' },
  NVIDIA_SMI_PATH: { schema: z.string().min(1).default('nvidia-smi'), doc: 'The nvidia-smi program. Without it the node has one software device.' },
  REELAY_LIMIT_CPU: { schema: limit(DEFAULT_LIMITS.cpu), doc: 'How many jobs of the category cpu run at the same time.', reloadable: true },
  REELAY_LIMIT_GPU_ENCODE: { schema: limit(DEFAULT_LIMITS.gpu_encode), doc: 'How many jobs of the category gpu_encode run at the same time.', reloadable: true },
  REELAY_LIMIT_GPU_AI: { schema: limit(DEFAULT_LIMITS.gpu_ai), doc: 'How many jobs of the category gpu_ai run at the same time.', reloadable: true },
  MAX_CONCURRENT_TRANSCODES: { schema: limit(4), doc: 'How many videos are encoded for viewers at the same time on this node, besides its jobs.', reloadable: true },
  REELAY_LABELS: { schema: labels, doc: 'Labels of this node, such as `zone=attic,disk=fast`; jobs can ask for them.', reloadable: true },
  REELAY_JOB_PROCESS: { schema: z.string().min(1).optional(), doc: 'The bundled program that runs one job; the job-process.js beside the agent when left out.' },
  REELAY_KILL_GRACE_MS: { schema: milliseconds(5_000), doc: 'What a job gets between SIGTERM and SIGKILL. A new value counts for jobs that start after the reload.', reloadable: true },
  REELAY_BATCH_NICE: { schema: z.coerce.number().int().min(0).max(19).default(15), doc: 'How far jobs stand back behind whatever a person waits for: 0 not at all, 19 the most. Their disk access stands back too. A new value counts for jobs that start after the reload.', reloadable: true },
  REELAY_JOB_MEMORY_MB: { schema: z.coerce.number().int().min(256).optional(), doc: 'The most memory that one job and all it starts may use; beyond it the job fails with `out_of_memory`. Without it the newest job is given back when the host’s memory runs out. A new value counts for jobs that start after the reload.', reloadable: true },
  REELAY_MIN_FREE_MB: { schema: z.coerce.number().int().min(0).default(256), doc: 'Jobs that write files are refused when less disk space than this (and what they fetch) is free.', reloadable: true },
  REELAY_LOG_LEVEL: commonSettings.REELAY_LOG_LEVEL,
  SHUTDOWN_TIMEOUT: commonSettings.SHUTDOWN_TIMEOUT,
  REELAY_LOG_MAX_MB: commonSettings.REELAY_LOG_MAX_MB,
  REELAY_LOG_KEEP: commonSettings.REELAY_LOG_KEEP,
});
export type AgentSettings = Settings<typeof agentSettings>;
