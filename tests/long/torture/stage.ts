/** Gateway, scheduler and one node on a Postgres database and a NATS server of their own, each service a process that can be ended alone. */
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Sql } from '@reelay/store';
import { createTestDatabase, type TestDatabase } from '@reelay/store/testing';
import { freePort } from '@reelay/runtime';
import { localUrl, serviceCommand, type ServiceName, SERVICES, type SystemPlan } from '../../../launcher/src/programs.ts';
import { untilReady } from '../../../launcher/src/readiness.ts';
import { LoggedProcess } from '../../kit/logged-process.ts';
import { startTestNats, type TestNats } from '../../kit/nats.ts';
import { Client } from '../../system/client.ts';

const HOST = '127.0.0.1';
const PASSWORD = 'test-password-of-admin';
const READY_MS = 60_000;
/** Short enough that what a killed service held is free again while the test waits. */
const PACE = {
  REELAY_HEARTBEAT_SECONDS: '1', REELAY_LEASE_SECONDS: '8', REELAY_LEADER_SECONDS: '3', REELAY_SWEEP_SECONDS: '1', REELAY_RETRY_UNIT_SECONDS: '0.2', REELAY_LOG_LEVEL: 'debug',
};

/** An orderly stop must not fail because the machine is busy; how long it takes is measured. In seconds. */
const SHUTDOWN_TIMEOUT = '30';

export class Stage {
  readonly libraryRoot: string;
  #client: Client;
  readonly #running = new Map<ServiceName, LoggedProcess>();

  private constructor(readonly folder: string, readonly plan: SystemPlan, readonly nats: TestNats, readonly database: TestDatabase) {
    this.libraryRoot = plan.libraryRoot;
    this.#client = new Client(this.baseUrl);
  }

  /** `dist`: where the built programs are; they are copied, so that a build meanwhile changes nothing. */
  static async open(folder: string, dist: string): Promise<Stage> {
    for (const name of ['library root', 'hub', 'tmp', ...SERVICES]) mkdirSync(join(folder, name), { recursive: true });
    cpSync(dist, join(folder, 'dist'), { recursive: true });
    const [nats, database, port] = await Promise.all([startTestNats(), createTestDatabase(), freePort(HOST)]);
    const plan: SystemPlan = {
      dist: join(folder, 'dist'), dataDir: join(folder, 'hub'), libraryRoot: join(folder, 'library root'), host: HOST, port, databaseUrl: database.url, natsUrl: nats.url,
      hubCreds: nats.keys.paths.hubCreds, nodeCreds: await nats.keys.createNodeCreds('node'), nodeId: 'node', nodeName: 'node', secretFile: join(folder, 'secret.key'), configFile: undefined,
      ffmpeg: process.env['FFMPEG_PATH'] ?? 'ffmpeg', ffprobe: process.env['FFPROBE_PATH'] ?? 'ffprobe', env: { ...PACE, REELAY_ADMIN_PASSWORD: PASSWORD },
    };
    const stage = new Stage(folder, plan, nats, database);
    await stage.ensure(SERVICES);
    await stage.client.login('admin', PASSWORD);
    return stage;
  }

  get sql(): Sql {
    return this.database.sql;
  }

  get baseUrl(): string {
    return localUrl(this.plan);
  }

  /** Signed in; the sign-in lasts beyond the gateway's restarts. */
  get client(): Client {
    return this.#client;
  }

  /** The folder that only this service and its children have to do with. */
  folderOf(name: ServiceName): string {
    return join(this.folder, name);
  }

  running(name: ServiceName): LoggedProcess | undefined {
    const found = this.#running.get(name);
    return found?.isOver === false ? found : undefined;
  }

  launch(name: ServiceName): LoggedProcess {
    const { argv0, args, env } = serviceCommand(name, this.plan, () => {});
    const folder = this.folderOf(name);
    const own = name === 'node-agent' ? { REELAY_WORK_DIR: folder } : { REELAY_DATA_DIR: folder, REELAY_RUN_DIR: folder };
    const launched = new LoggedProcess({
      file: argv0, args, cwd: folder,
      env: { PATH: process.env['PATH'], HOME: this.folder, TMPDIR: join(this.folder, 'tmp'), ...env, ...own, SHUTDOWN_TIMEOUT, REELAY_TORTURE: `${folder}/` },
    });
    this.#running.set(name, launched);
    return launched;
  }

  /** Starts what does not run, and waits until these are ready and, with an agent, until the hub has heard of it. */
  async ensure(names: readonly ServiceName[]): Promise<void> {
    await Promise.all(names.map((name) => (this.running(name) ?? this.launch(name)).ready));
    if (this.running('gateway') === undefined) return;
    const withNode = this.running('node-agent') !== undefined && this.running('scheduler') !== undefined;
    await untilReady(this.baseUrl, { withNode, limitMs: READY_MS, isStopping: () => false });
  }

  /** Nobody listens on the gateway's port. */
  isPortFree(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createConnection({ host: HOST, port: this.plan.port });
      socket.once('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.once('error', () => resolve(true));
    });
  }

  /** Part files in the library. */
  parts(): string[] {
    return readdirSync(this.libraryRoot, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.part'));
  }

  async close(): Promise<void> {
    for (const name of ['node-agent', 'gateway', 'scheduler'] as const) {
      const process = this.running(name);
      process?.signal('SIGTERM');
      await process?.ended;
    }
    await this.nats.stop();
    await this.database.drop();
  }
}
