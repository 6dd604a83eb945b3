import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type App, newId, openSettings, ReleaseStack, runMain, SigningKeys } from '@reelay/runtime';
import { connectBus, LiveCredentials } from '@reelay/runtime/bus';
import { startGateway } from './gateway.ts';
import { StaticFiles } from './http/static-files.ts';
import { HttpServer } from './server/http-server.ts';
import { registerLifecycleMetrics } from './server/lifecycle-metrics.ts';
import { checkGatewaySettings, gatewaySettings } from './settings.ts';
import { connectDatabase } from './startup/database.ts';
import { ADMIN_PASSWORD_FILE, ensureFirstUser } from './startup/first-user.ts';
import { prepareLibrary } from './startup/library.ts';
import { Maintenance } from './startup/maintenance.ts';

const start = async (main: App): Promise<void> => {
  const { ctx, logger, clock } = main;
  const live = openSettings(main, gatewaySettings, { check: checkGatewaySettings });
  const settings = live.values;
  const waitSeconds = settings.REELAY_STARTUP_WAIT_SECONDS;
  const dataDir = resolve(settings.REELAY_DATA_DIR);
  await mkdir(dataDir, { recursive: true });
  const keys = SigningKeys.open(settings.REELAY_SECRET_FILE, clock);
  live.use((next) => keys.prepare(next.REELAY_SECRET_FILE));

  const [sql, bus] = await Promise.all([
    connectDatabase({ url: settings.DATABASE_URL, migrationsDir: settings.REELAY_MIGRATIONS_DIR, waitSeconds, clock, logger }).then((opened) => {
      main.onStop('postgres', () => opened.end({ timeout: 2 }), 3_000);
      return opened;
    }),
    connectBus({ url: settings.NATS_URL, credsPath: () => settings.REELAY_NATS_CREDS, name: 'gateway', logger, clock, waitMs: waitSeconds * 1000 }).then((opened) => {
      main.onStop('nats', () => opened.close(), 3_000);
      return opened;
    }),
  ]);
  const credentials = new LiveCredentials({ bus, url: settings.NATS_URL, path: settings.REELAY_NATS_CREDS, logger });
  live.use((next) => credentials.prepare(next.REELAY_NATS_CREDS));
  const library = await prepareLibrary(sql, resolve(settings.MEDIA_LIBRARY_PATH));
  const password = await ensureFirstUser(sql, { password: settings.REELAY_ADMIN_PASSWORD, dataDir, newId });
  if (password === 'generated') logger.info({ file: resolve(dataDir, ADMIN_PASSWORD_FILE) }, 'user admin made; the password is in the file');

  const services = new ReleaseStack(clock);
  main.onStop('services', () => services.release(), 3_000);
  const web = settings.REELAY_WEB_DIR === undefined ? null : await StaticFiles.open(resolve(settings.REELAY_WEB_DIR));
  const gateway = await startGateway(ctx, services, { settings, sql, bus, library, keys, logger, clock, web, processMetrics: true });
  await services.start(new Maintenance({ sql, library, clock, logger, keepUploadsMs: () => settings.REELAY_UPLOAD_KEEP_HOURS * 3_600_000 }), ctx);

  const { drain, requests, metrics } = gateway.deps;
  registerLifecycleMetrics(metrics.registry, { reloads: () => live.stats, stopping: () => drain.begun });
  const server = new HttpServer({ app: gateway.app, settings, drain, requests, clock, logger });
  main.onStop('http server', () => server.stop(), server.stopMs);
  await server.start(ctx);
  live.use((next) => server.prepare(next));
  ctx.onCancel(() => drain.enter('draining'));
  main.ready({ port: server.port });
};

await runMain({ name: 'gateway', env: process.env, argv: process.argv.slice(2) }, start);
