import { resolve } from 'node:path';
import { type App, ensureWritableFolder, holdInstance, newId, openSettings, readSettings, ReleaseStack, runMain, SigningKeys } from '@reelay/runtime';
import { connectBus, LiveCredentials } from '@reelay/runtime/bus';
import { openDatabase } from '@reelay/store';
import { startGateway } from './gateway.ts';
import { StaticFiles } from './http/static-files.ts';
import { FastPath } from './server/fast-path.ts';
import { Listeners } from './server/listeners.ts';
import { registerLifecycleMetrics } from './server/lifecycle-metrics.ts';
import { readTlsFiles } from './server/tls-files.ts';
import { checkGatewaySettings, gatewaySettings } from './settings.ts';
import { prepareDatabase } from './startup/database.ts';
import { ADMIN_PASSWORD_FILE, ensureFirstUser } from './startup/first-user.ts';
import { prepareLibrary } from './startup/library.ts';
import { Maintenance } from './startup/maintenance.ts';

const CONNECTIONS = 16;

const start = async (main: App): Promise<void> => {
  const { ctx, logger, clock } = main;
  const live = openSettings(main, gatewaySettings, { check: checkGatewaySettings });
  const settings = live.values;
  const waitSeconds = settings.REELAY_STARTUP_WAIT_SECONDS;
  const dataDir = resolve(settings.REELAY_DATA_DIR);
  await holdInstance(main, resolve(settings.REELAY_RUN_DIR ?? dataDir));
  await ensureWritableFolder(dataDir, 'REELAY_DATA_DIR');
  const keys = SigningKeys.open(settings.REELAY_SECRET_FILE, clock);
  live.use((next) => keys.prepare(next.REELAY_SECRET_FILE));
  // Tried before anything is waited for.
  readTlsFiles(settings);

  const sql = openDatabase({ url: settings.DATABASE_URL, applicationName: 'reelay-gateway', maxConnections: CONNECTIONS, onNotice: (message) => logger.debug({ message }, 'postgres notice') });
  main.onStop('postgres', () => sql.end({ timeout: 2 }), 0.3);
  const [bus] = await Promise.all([
    main.open('nats', () => connectBus({ url: settings.NATS_URL, credsPath: () => settings.REELAY_NATS_CREDS, name: 'gateway', jetStream: true, logger, clock, ctx, waitMs: waitSeconds * 1000 }), (opened) => opened.close(), 0.3),
    prepareDatabase({ sql, url: settings.DATABASE_URL, migrationsDir: settings.REELAY_MIGRATIONS_DIR, waitSeconds, ctx, clock, logger }),
  ]);
  const credentials = new LiveCredentials({ bus, url: settings.NATS_URL, path: settings.REELAY_NATS_CREDS, logger });
  live.use((next) => credentials.prepare(next.REELAY_NATS_CREDS));
  const library = await prepareLibrary(sql, resolve(settings.MEDIA_LIBRARY_PATH));
  const password = await ensureFirstUser(sql, { password: settings.REELAY_ADMIN_PASSWORD, dataDir, newId });
  if (password === 'generated') logger.info({ file: resolve(dataDir, ADMIN_PASSWORD_FILE) }, 'user admin made; the password is in the file');

  const services = new ReleaseStack(clock);
  main.onStop('services', () => services.release(), 0.3);
  const web = settings.REELAY_WEB_DIR === undefined ? null : await StaticFiles.open(resolve(settings.REELAY_WEB_DIR));
  const gateway = await startGateway(ctx, services, { settings, sql, bus, library, keys, logger, clock, web, processMetrics: true });
  await services.start(new Maintenance({ sql, library, clock, logger, keepUploadsMs: () => settings.REELAY_UPLOAD_KEEP_HOURS * 3_600_000 }), ctx);

  const { drain, requests, metrics } = gateway.deps;
  registerLifecycleMetrics(metrics.registry, { reloads: () => live.stats, stopping: () => drain.begun });
  const fastPath = new FastPath(gateway.deps);
  main.onStop('gathered requests', () => fastPath.flush());
  const listeners = new Listeners({ app: gateway.app, fastPath, settings: live, drain, requests, clock, logger });
  const shutdownFor = () => main.setShutdownMs(settings.SHUTDOWN_TIMEOUT * 1000 + listeners.leaveMs);
  shutdownFor();
  live.use(() => ({ commit: shutdownFor }));
  main.onStop('http server', () => listeners.stop(), () => listeners.stopMs);
  main.onDescribe('requests', () => requests.countByKind());
  await listeners.start(ctx);
  live.use((next) => listeners.prepare(next));
  ctx.onCancel(() => drain.enter('draining'));
  ctx.throwIfCancelled();
  main.ready({ port: listeners.port });
};

const dataDir = () => resolve(readSettings(gatewaySettings, { env: process.env }).REELAY_DATA_DIR);
await runMain({ name: 'gateway', env: process.env, argv: process.argv.slice(2), dataDir }, start);
