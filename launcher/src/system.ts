// The whole system on one machine. Start: Postgres and NATS together, then the three services together.
// Stop, within SHUTDOWN_TIMEOUT: the agent first (it gives its jobs back), then gateway and scheduler, then NATS and Postgres.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Accepted, Ctx, ensureSecretKey, type Env, freePort, type Logger, Shutdown } from '@reelay/runtime';
import type { Supervisor } from '@reelay/runtime/supervisor';
import { formatLogLine } from './log-lines.ts';
import { ManagedProcess } from './managed-process.ts';
import { NatsKeys } from './nats/keys.ts';
import { natsServerEnv, untilNatsReady } from './nats/server.ts';
import { Cluster } from './postgres/cluster.ts';
import { findPostgresHome } from './postgres/home.ts';
import { localUrl, saysReady, saysWelcomed, serviceCommand, type ServiceName, SERVICES, type SystemPlan } from './programs.ts';
import { untilReady } from './readiness.ts';
import { ReloadAll } from './reload-all.ts';
import { ensureSecretFile } from './secret-file.ts';
import type { LauncherSettings } from './settings.ts';

const LOCAL_NODE_ID = 'local';
const LOOPBACK = '127.0.0.1';
const READY_LIMIT_MS = 60_000;
/** Shares of what the stop of the whole may take; they follow each other. */
const STOP_SHARES = { agent: 0.45, hub: 0.25, infrastructure: 0.2 };
/** What a service gets for its stop, of what it has until it is killed. */
const OWN_SHARE = 0.85;

export interface SystemOptions {
  settings: LauncherSettings;
  /** Absolute; locked by the caller. */
  dataDir: string;
  /** Port of the gateway, free right now. */
  port: number;
  /** Port of the gateway for programs of this machine, where the other one speaks TLS. */
  localPort: number | undefined;
  /** What the stop of all may take. */
  shutdownMs: () => number;
  /** Folder of the built programs. */
  dist: string;
  natsConfig: string;
  configFile?: string | undefined;
  configIsOptional?: boolean | undefined;
  /** Whether what is routine is printed too. */
  isVerbose: () => boolean;
  tools: { ffmpeg: string; ffprobe: string; natsServer: string | undefined };
  env: Env;
  supervisor: Supervisor;
  logger: Logger;
  /** Prints one line for people. */
  say: (line: string) => void;
}

type ProgramName = 'postgres' | 'nats' | ServiceName;

/** Postgres, NATS, gateway, scheduler and one node, each a process of its own that is started again when it ends. */
export class LocalSystem {
  readonly #options: SystemOptions;
  /** The programs' own: they are stopped in order, not all at once by the caller's context. */
  readonly #programCtx = Ctx.root('programs');
  readonly #programs = new Map<ProgramName, ManagedProcess>();
  readonly #reloads: ReloadAll;
  #plan: SystemPlan | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: SystemOptions) {
    this.#options = options;
    this.#reloads = new ReloadAll(options.logger);
  }

  /** The gateway for programs on this machine. Known after `start` began. */
  get baseUrl(): string {
    return localUrl(this.#knownPlan());
  }

  /** Of NATS and Postgres, secrets included. Known after `start`. */
  get addresses(): { natsUrl: string; databaseUrl: string } {
    const { natsUrl, databaseUrl } = this.#knownPlan();
    return { natsUrl, databaseUrl };
  }

  /**
   * Starts everything; resolves when /readyz is 200 and the node is healthy. Short helpers such as initdb end with `ctx`.
   * @throws NotReady, EndedWhileStarting, or what hindered the first program that failed
   */
  async start(ctx: Ctx): Promise<void> {
    this.#plan = await this.#makePlan(ctx);
    await Promise.all(SERVICES.map((name) => this.#startService(name)));
    const programs = [...this.#programs.values()];
    const ready = untilReady(this.baseUrl, { withNode: true, limitMs: READY_LIMIT_MS, isStopping: () => this.#stopping !== undefined });
    await Promise.race([ready, ...programs.map((program) => program.failedToStart)]);
    for (const program of programs) program.settle();
  }

  /** Asks every service whether it can work with the configuration as it is now. @throws when one cannot */
  prepareReload(): Promise<Accepted> {
    return this.#reloads.prepare();
  }

  /** Idempotent, legal at any time; done when no program is left. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const names of [['node-agent'], ['gateway', 'scheduler'], ['nats', 'postgres']] as const) {
      await Promise.all(names.map(async (name) => this.#programs.get(name)?.stop()));
    }
  }

  /** Which programs run, for the description of the launcher. */
  describe(): Record<string, number | null> {
    return Object.fromEntries([...this.#programs].map(([name, program]) => [name, program.proc?.pid ?? null]));
  }

  #stopMs(part: keyof typeof STOP_SHARES): number {
    return STOP_SHARES[part] * this.#options.shutdownMs();
  }

  #ownSeconds(part: keyof typeof STOP_SHARES): number {
    return Math.max(0.1, (this.#stopMs(part) * OWN_SHARE) / 1_000);
  }

  #knownPlan(): SystemPlan {
    if (this.#plan === undefined) throw new Error('the system has not been started');
    return this.#plan;
  }

  async #makePlan(ctx: Ctx): Promise<SystemPlan> {
    const { settings, dataDir, port, localPort, dist, tools, env, configFile, configIsOptional } = this.#options;
    const libraryRoot = settings.MEDIA_LIBRARY_PATH ?? join(dataDir, 'library');
    const secretFile = join(dataDir, 'secret.key');
    ensureSecretKey(secretFile);
    const [databaseUrl, nats] = await Promise.all([settings.DATABASE_URL ?? this.#startPostgres(ctx), this.#startNats()]);
    return {
      dist, dataDir, libraryRoot, secretFile, configFile, configIsOptional, env, port, localPort, databaseUrl,
      stopSeconds: { 'node-agent': this.#ownSeconds('agent'), gateway: this.#ownSeconds('hub'), scheduler: this.#ownSeconds('hub') },
      host: settings.HOST,
      natsUrl: nats.url,
      hubCreds: nats.hubCreds,
      nodeCreds: nats.nodeCreds,
      nodeId: LOCAL_NODE_ID,
      nodeName: hostname(),
      ffmpeg: tools.ffmpeg,
      ffprobe: tools.ffprobe,
    };
  }

  async #startPostgres(ctx: Ctx): Promise<string> {
    const { dataDir, supervisor, say } = this.#options;
    const home = await findPostgresHome(dataDir, say);
    const password = (await ensureSecretFile(join(dataDir, 'postgres.password'), () => randomBytes(24).toString('base64url'))).trim();
    const cluster = new Cluster({ home, supervisor, password, port: await freePort() });
    await this.#run('postgres', {
      command: async () => {
        await cluster.prepare(ctx);
        return cluster.command(this.#lines('postgres'));
      },
      untilReady: (proc) => cluster.untilReady(() => !proc.alive),
      stopSignal: 'SIGINT',
      stopMs: () => this.#stopMs('infrastructure'),
    });
    await cluster.ensureDatabase();
    return cluster.url;
  }

  async #startNats(): Promise<{ url: string; hubCreds: string | undefined; nodeCreds: string | undefined }> {
    const { settings, dataDir, tools, natsConfig } = this.#options;
    if (settings.NATS_URL !== undefined) return { url: settings.NATS_URL, hubCreds: settings.REELAY_NATS_CREDS, nodeCreds: settings.REELAY_NATS_CREDS };
    const keys = await NatsKeys.open(join(dataDir, 'nats'));
    const port = await freePort();
    await this.#run('nats', {
      command: async () => {
        await keys.refreshAccounts();
        return {
          name: 'nats',
          argv0: tools.natsServer ?? 'nats-server',
          args: ['-c', natsConfig],
          env: natsServerEnv(keys.paths, { host: LOOPBACK, port }),
          group: 'own' as const,
          onStderrLine: this.#natsLines(),
        };
      },
      untilReady: (proc) => untilNatsReady(LOOPBACK, port, () => !proc.alive),
      stopMs: () => this.#stopMs('infrastructure'),
    });
    return { url: `nats://${LOOPBACK}:${port}`, hubCreds: keys.paths.hubCreds, nodeCreds: await keys.createNodeCreds(LOCAL_NODE_ID) };
  }

  async #startService(name: ServiceName): Promise<void> {
    await this.#run(name, {
      command: () => serviceCommand(name, this.#knownPlan(), this.#lines(name)),
      untilReady: (proc) => {
        this.#reloads.attach(name, proc);
        return name === 'node-agent' ? saysWelcomed(proc) : saysReady(proc);
      },
      stopMs: () => this.#stopMs(name === 'node-agent' ? 'agent' : 'hub'),
    });
  }

  async #run(name: ProgramName, options: Omit<ConstructorParameters<typeof ManagedProcess>[0], 'name' | 'supervisor' | 'logger'>): Promise<void> {
    if (this.#stopping) throw new Shutdown('the system stops');
    const program = new ManagedProcess({ ...options, name, supervisor: this.#options.supervisor, logger: this.#options.logger });
    this.#programs.set(name, program);
    await program.start(this.#programCtx);
  }

  #lines(name: string): (line: string) => void {
    return (line) => {
      for (const row of formatLogLine(name, line)) this.#options.say(row);
    };
  }

  /** The server tells its life story at each start; people get what is not routine. */
  #natsLines(): (line: string) => void {
    const print = this.#lines('nats');
    return (line) => {
      if (this.#options.isVerbose() || !/\[(INF|DBG|TRC)\]/.test(line)) print(line.replace(/^\[\d+\] /, ''));
    };
  }
}
