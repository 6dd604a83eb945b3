import { commonSettings, defineSettings, type Settings, type SettingsCheck } from '@reelay/runtime';
import { z } from 'zod';

const seconds = (byDefault: number, min = 0.05) => z.coerce.number().min(min).max(86_400).default(byDefault);

/** Every variable the scheduler reads. */
export const schedulerSettings = defineSettings({
  MEDIA_LIBRARY_PATH: commonSettings.MEDIA_LIBRARY_PATH,
  DATABASE_URL: commonSettings.DATABASE_URL,
  NATS_URL: commonSettings.NATS_URL,
  REELAY_NATS_CREDS: commonSettings.REELAY_NATS_CREDS,
  REELAY_SECRET_FILE: commonSettings.REELAY_SECRET_FILE,
  REELAY_LOG_LEVEL: commonSettings.REELAY_LOG_LEVEL,
  REELAY_DATA_DIR: { ...commonSettings.REELAY_DATA_DIR, doc: 'Folder of lock and PID file, and of the log with --detach.' },
  REELAY_RUN_DIR: commonSettings.REELAY_RUN_DIR,
  REELAY_MIGRATIONS_DIR: { ...commonSettings.REELAY_MIGRATIONS_DIR, doc: 'Folder with the database migrations: the scheduler waits until a gateway has applied them.' },
  SHUTDOWN_TIMEOUT: commonSettings.SHUTDOWN_TIMEOUT,
  REELAY_LOG_MAX_MB: commonSettings.REELAY_LOG_MAX_MB,
  REELAY_LOG_KEEP: commonSettings.REELAY_LOG_KEEP,
  REELAY_RETRY_UNIT_SECONDS: { schema: seconds(60, 0), doc: 'Unit of the wait before an automatic retry, in seconds: a failed job waits 2, 4, then 8 units.', reloadable: true },
  REELAY_HEARTBEAT_SECONDS: { schema: seconds(3), doc: 'How often a node says that it is alive, in seconds. After two missed ones it counts as silent.', reloadable: true },
  REELAY_LEASE_SECONDS: { schema: seconds(45), doc: 'How long a node keeps the right to its jobs without being heard, in seconds; at least three heartbeats.', reloadable: true },
  REELAY_LEADER_SECONDS: { schema: seconds(10), doc: 'How long the leading scheduler stays leader without renewing, in seconds; it renews three times within that.', reloadable: true },
  REELAY_SWEEP_SECONDS: { schema: seconds(5), doc: 'How often the leader looks at everything even when no hint came, in seconds.', reloadable: true },
  REELAY_FLEET_TRANSCODES: { schema: z.coerce.number().int().min(0).max(100_000).optional(), doc: 'How many videos are encoded for viewers at the same time on all nodes together; as many as the nodes have places for (`MAX_CONCURRENT_TRANSCODES`) when left out.', reloadable: true },
  REELAY_STARTUP_WAIT_SECONDS: { schema: seconds(30, 1), doc: 'How long to wait for Postgres and NATS when starting, in seconds.' },
});
export type SchedulerSettings = Settings<typeof schedulerSettings>;

const BEATS_PER_LEASE = 3;

/** A lease that ends between two heartbeats would take jobs from nodes that are well. */
export const checkSchedulerSettings: SettingsCheck<typeof schedulerSettings> = ({ REELAY_HEARTBEAT_SECONDS: heartbeat, REELAY_LEASE_SECONDS: lease }) =>
  lease >= heartbeat * BEATS_PER_LEASE ? [] : [{ name: 'REELAY_LEASE_SECONDS', message: `${lease} s is less than three heartbeats (REELAY_HEARTBEAT_SECONDS is ${heartbeat} s)` }];
