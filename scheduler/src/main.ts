import { resolve } from 'node:path';
import { type App, holdInstance, newId, openSettings, readSettings, redactUrl, runMain, SigningKeys, sleep, unlessCancelled } from '@reelay/runtime';
import { connectBus, LiveCredentials } from '@reelay/runtime/bus';
import { awaitDatabase, openDatabase, readSetting, waitForSchema } from '@reelay/store';
import { Hints } from './hints.ts';
import { Scheduler } from './scheduler.ts';
import { checkSchedulerSettings, schedulerSettings } from './settings.ts';
import { openLibrary } from './startup/library.ts';
import { LiveTiming } from './timing.ts';

/** Connections: the passes of the leader, and the messages of nodes answered beside them. */
const CONNECTIONS = 16;

const start = async (app: App): Promise<void> => {
  const { logger, clock, ctx } = app;
  const live = openSettings(app, schedulerSettings, { check: checkSchedulerSettings });
  const settings = live.values;
  const waitMs = settings.REELAY_STARTUP_WAIT_SECONDS * 1000;
  await holdInstance(app, resolve(settings.REELAY_RUN_DIR ?? settings.REELAY_DATA_DIR));
  const pause = (ms: number) => sleep(ctx, clock, ms);
  const sql = openDatabase({ url: settings.DATABASE_URL, applicationName: 'reelay-scheduler', maxConnections: CONNECTIONS });
  app.onStop('database', () => sql.end({ timeout: 3 }), 0.4);
  await unlessCancelled(ctx, awaitDatabase(sql, { shownUrl: redactUrl(settings.DATABASE_URL), waitMs, pause }));
  await unlessCancelled(ctx, waitForSchema(sql, settings.REELAY_MIGRATIONS_DIR, { waitMs, pause }));
  const { library, libraryId } = await openLibrary({ path: resolve(settings.MEDIA_LIBRARY_PATH), knownId: () => readSetting(sql, 'libraryId'), waitMs, ctx, clock });
  const keys = SigningKeys.open(settings.REELAY_SECRET_FILE, clock);
  live.use((next) => keys.prepare(next.REELAY_SECRET_FILE));
  const bus = await app.open('bus', () => connectBus({ url: settings.NATS_URL, credsPath: () => settings.REELAY_NATS_CREDS, name: 'scheduler', jetStream: true, logger, clock, ctx, waitMs }), (opened) => opened.close(), 0.4);
  const credentials = new LiveCredentials({ bus, url: settings.NATS_URL, path: settings.REELAY_NATS_CREDS, logger });
  live.use((next) => credentials.prepare(next.REELAY_NATS_CREDS));

  const hints = new Hints(bus, logger);
  const timing = new LiveTiming(settings, clock);
  const scheduler = new Scheduler({ sql, bus, library, libraryId, keys, logger, clock, newId, hints, timing, fleetLimit: () => settings.REELAY_FLEET_TRANSCODES }, newId());
  app.onStop('scheduler', () => scheduler.stop());
  live.use((_next, before) => ({
    commit: () => {
      timing.paceChanged(before);
      scheduler.retime();
    },
  }));
  await scheduler.start();
  ctx.throwIfCancelled();
  app.ready({ leading: scheduler.leadership.lease !== null, libraryId });
};

const dataDir = () => resolve(readSettings(schedulerSettings, { env: process.env }).REELAY_DATA_DIR);
await runMain({ name: 'scheduler', env: process.env, argv: process.argv.slice(2), dataDir }, start);
