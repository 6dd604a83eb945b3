import { mkdir } from 'node:fs/promises';
import { ensureLibraryId, LibraryRoot, newId, openSettings, runMain, SigningKeys } from '@reelay/runtime';
import { connectBus, LiveCredentials } from '@reelay/runtime/bus';
import { openDatabase, waitForSchema } from '@reelay/store';
import { Hints } from './hints.ts';
import { Scheduler } from './scheduler.ts';
import { checkSchedulerSettings, schedulerSettings } from './settings.ts';
import { LiveTiming } from './timing.ts';

/** Connections: the passes of the leader, and the messages of nodes answered beside them. */
const CONNECTIONS = 16;

await runMain({ name: 'scheduler', env: process.env, argv: process.argv.slice(2) }, async (app) => {
  const { logger, clock } = app;
  const live = openSettings(app, schedulerSettings, { check: checkSchedulerSettings });
  const settings = live.values;
  const waitMs = settings.REELAY_STARTUP_WAIT_SECONDS * 1000;
  const sql = openDatabase({ url: settings.DATABASE_URL, applicationName: 'reelay-scheduler', maxConnections: CONNECTIONS });
  app.onStop('database', () => sql.end({ timeout: 3 }));
  await waitForSchema(sql, waitMs);
  await mkdir(settings.MEDIA_LIBRARY_PATH, { recursive: true });
  const library = await LibraryRoot.open(settings.MEDIA_LIBRARY_PATH);
  const libraryId = await ensureLibraryId(library.path, newId());
  const keys = SigningKeys.open(settings.REELAY_SECRET_FILE, clock);
  live.use((next) => keys.prepare(next.REELAY_SECRET_FILE));
  const bus = await connectBus({ url: settings.NATS_URL, credsPath: () => settings.REELAY_NATS_CREDS, name: 'scheduler', logger, clock, waitMs });
  app.onStop('bus', () => bus.close());
  const credentials = new LiveCredentials({ bus, url: settings.NATS_URL, path: settings.REELAY_NATS_CREDS, logger });
  live.use((next) => credentials.prepare(next.REELAY_NATS_CREDS));

  const hints = new Hints(bus, logger);
  const timing = new LiveTiming(settings, clock);
  const scheduler = new Scheduler({ sql, bus, library, libraryId, keys, logger, clock, newId, hints, timing }, newId());
  app.onStop('scheduler', () => scheduler.stop());
  live.use((_next, before) => ({
    commit: () => {
      timing.paceChanged(before);
      scheduler.retime();
    },
  }));
  await scheduler.start();
  app.ready({ leading: scheduler.leadership.lease !== null, libraryId });
});
