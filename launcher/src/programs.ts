// How each program of the local system is started: what it is told, and what is kept from it.
import { join, resolve } from 'node:path';
import type { Env } from '@reelay/runtime';
import type { Proc, SpawnOptions } from '@reelay/runtime/supervisor';
import { z } from 'zod';

/** Where things lie and listen; fixed for one run. */
export interface SystemPlan {
  /** Folder of the built programs. */
  dist: string;
  dataDir: string;
  libraryRoot: string;
  host: string;
  port: number;
  /** Plain HTTP on loopback, where the other port speaks TLS. */
  localPort?: number | undefined;
  /** What each service gets for its orderly stop, in seconds; its own setting when left out. */
  stopSeconds?: Record<ServiceName, number>;
  databaseUrl: string;
  natsUrl: string;
  hubCreds: string | undefined;
  nodeCreds: string | undefined;
  nodeId: string;
  nodeName: string;
  ffmpeg: string;
  ffprobe: string;
  secretFile: string;
  /** The JSON file of settings, when there is one. */
  configFile: string | undefined;
  /** Whether it may be missing: nobody named it. */
  configIsOptional?: boolean | undefined;
  /** Variables of the person who starts it. */
  env: Env;
}

export const SERVICES = ['gateway', 'scheduler', 'node-agent'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** What of the person's environment the services see beyond the supervisor's safe base. */
const PASSED_ON = /^(REELAY_\w+|MAX_CONCURRENT_TRANSCODES|TRANSCODE_TIMEOUT|NVIDIA_SMI_PATH)$/;
/** The launcher's own sign of life: a service that touched it would speak for the whole. */
const LAUNCHERS_OWN = new Set(['REELAY_ALIVE_FILE']);
const PATHS = ['REELAY_TLS_CERT', 'REELAY_TLS_KEY'] as const;
/** Agents have no database, sign no URLs and know no password. */
const KEPT_FROM_AGENTS = new Set(['REELAY_ADMIN_PASSWORD', 'REELAY_SECRET_FILE', 'REELAY_DATA_DIR', 'REELAY_TLS_KEY']);

function passedOn(env: Env, keptBack: ReadonlySet<string> = new Set()): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && PASSED_ON.test(entry[0]) && !LAUNCHERS_OWN.has(entry[0]) && !keptBack.has(entry[0])));
}

/** The URL of the gateway for programs on this machine. */
export function localUrl({ host, port, localPort }: Pick<SystemPlan, 'host' | 'port' | 'localPort'>): string {
  if (localPort !== undefined) return `http://127.0.0.1:${localPort}`;
  const anyAddress = host === '0.0.0.0' || host === '::';
  const shown = anyAddress ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}

function configEnv({ configFile, configIsOptional }: SystemPlan): Record<string, string | undefined> {
  return { REELAY_CONFIG: configFile, REELAY_CONFIG_OPTIONAL: configIsOptional ? '1' : undefined };
}

function hubEnv(plan: SystemPlan): Record<string, string | undefined> {
  return {
    ...passedOn(plan.env),
    ...configEnv(plan),
    REELAY_DATA_DIR: plan.dataDir,
    REELAY_RUN_DIR: plan.dataDir,
    MEDIA_LIBRARY_PATH: plan.libraryRoot,
    DATABASE_URL: plan.databaseUrl,
    NATS_URL: plan.natsUrl,
    REELAY_NATS_CREDS: plan.hubCreds,
    REELAY_SECRET_FILE: plan.secretFile,
    REELAY_MIGRATIONS_DIR: join(plan.dist, 'migrations'),
    // They run in the data folder.
    ...Object.fromEntries(PATHS.flatMap((name) => (plan.env[name] ? [[name, resolve(plan.env[name])]] : []))),
  };
}

const SERVICE_ENV: Record<ServiceName, (plan: SystemPlan) => Record<string, string | undefined>> = {
  gateway: (plan) => ({ ...hubEnv(plan), PORT: String(plan.port), HOST: plan.host, REELAY_LOCAL_PORT: plan.localPort === undefined ? undefined : String(plan.localPort), REELAY_WEB_DIR: join(plan.dist, 'web') }),
  scheduler: (plan) => ({ ...hubEnv(plan), REELAY_ADMIN_PASSWORD: undefined }),
  'node-agent': (plan) => ({
    ...passedOn(plan.env, KEPT_FROM_AGENTS),
    ...configEnv(plan),
    REELAY_NODE_ID: plan.nodeId,
    REELAY_NODE_NAME: plan.nodeName,
    REELAY_GATEWAY_URL: localUrl(plan),
    NATS_URL: plan.natsUrl,
    REELAY_NATS_CREDS: plan.nodeCreds,
    MEDIA_LIBRARY_PATH: plan.libraryRoot,
    REELAY_WORK_DIR: join(plan.dataDir, 'node'),
    REELAY_JOB_PROCESS: join(plan.dist, 'job-process.js'),
    FFMPEG_PATH: plan.ffmpeg,
    FFPROBE_PATH: plan.ffprobe,
  }),
};

/** One of our services, as a process of its own. `onLine` gets what it writes. */
export function serviceCommand(name: ServiceName, plan: SystemPlan, onLine: (line: string) => void): SpawnOptions {
  return {
    name,
    argv0: process.execPath,
    args: ['--enable-source-maps', join(plan.dist, `${name}.js`)],
    env: { ...SERVICE_ENV[name](plan), ...(plan.stopSeconds === undefined ? {} : { SHUTDOWN_TIMEOUT: String(plan.stopSeconds[name]) }) },
    cwd: plan.dataDir,
    group: 'own',
    ipc: true,
    onStdoutLine: onLine,
    onStderrLine: onLine,
  };
}

const readyMessage = z.object({ ready: z.literal(true) });
const welcomedMessage = z.object({ welcomed: z.literal(true) });

/** Resolves when the service says that it is ready. */
export function saysReady(proc: Proc): Promise<void> {
  return says(proc, readyMessage);
}

/** Resolves when the agent says that the hub has welcomed it: only then it is a node. */
export function saysWelcomed(proc: Proc): Promise<void> {
  return says(proc, welcomedMessage);
}

function says(proc: Proc, what: z.ZodType): Promise<void> {
  return new Promise((resolve) => {
    proc.onMessage((message) => {
      if (what.safeParse(message).success) resolve();
    });
  });
}
