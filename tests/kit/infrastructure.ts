/** Postgres and NATS as npm start runs them, for programs that are started one by one. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLogger, Ctx, freePort, Shutdown } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { build } from '../../launcher/build.mjs';
import { Cluster } from '../../launcher/src/postgres/cluster.ts';
import { findPostgresHome } from '../../launcher/src/postgres/home.ts';
import { startTestNats, type TestNats } from './nats.ts';

const root = resolve(import.meta.dirname, '../..');

export interface Infrastructure {
  folder: string;
  cluster: Cluster;
  nats: TestNats;
  /** Settings of a gateway or scheduler that starts, but for its data folder. */
  hub: Record<string, string>;
  /** Settings of an agent that starts, but for its work folder. */
  agent: Record<string, string>;
  stop: () => Promise<void>;
}

/** The database's password; it must be seen nowhere. */
export const DATABASE_PASSWORD = 'geheim';

export const startInfrastructure = async (): Promise<Infrastructure> => {
  await build({ repoRoot: root, say: () => {} });
  const folder = mkdtempSync(join(tmpdir(), 'reelay-programs-'));
  // As root, Postgres runs as another user and must get to its folder.
  chmodSync(folder, 0o755);
  const ctx = Ctx.root('infrastructure');
  const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });
  const cluster = new Cluster({ home: await findPostgresHome(folder, () => {}), supervisor, password: DATABASE_PASSWORD, port: await freePort() });
  const [nats] = await Promise.all([startTestNats(), cluster.prepare(ctx)]);
  const server = supervisor.spawn(ctx, cluster.command(() => {}));
  await cluster.untilReady(() => !server.alive);
  await cluster.ensureDatabase();
  return {
    folder, cluster, nats,
    hub: {
      PORT: '0', HOST: '127.0.0.1', DATABASE_URL: cluster.url, NATS_URL: nats.url, REELAY_NATS_CREDS: nats.keys.paths.hubCreds, REELAY_SECRET_FILE: join(folder, 'secret'),
      REELAY_MIGRATIONS_DIR: join(root, 'store/migrations'), REELAY_STARTUP_WAIT_SECONDS: '1', MEDIA_LIBRARY_PATH: join(folder, 'library'),
    },
    agent: {
      REELAY_NODE_ID: 'one', REELAY_GATEWAY_URL: 'http://127.0.0.1:1', NATS_URL: nats.url, REELAY_NATS_CREDS: await nats.keys.createNodeCreds('one'),
      FFMPEG_PATH: process.env['FFMPEG_PATH'] ?? 'ffmpeg', FFPROBE_PATH: process.env['FFPROBE_PATH'] ?? 'ffprobe',
    },
    stop: async () => {
      server.signal('SIGINT');
      await Promise.all([server.exit, nats.stop()]);
      await supervisor.terminateAll(new Shutdown('the test ends'), 1_000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
