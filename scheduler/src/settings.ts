import { commonSettings, defineSettings, type Settings } from '@reelay/runtime';
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
  REELAY_RETRY_UNIT_SECONDS: { schema: seconds(60, 0), doc: 'Unit of the wait before an automatic retry, in seconds: a failed job waits 2, 4, then 8 units.' },
  REELAY_HEARTBEAT_SECONDS: { schema: seconds(3), doc: 'How often a node says that it is alive, in seconds. After two missed ones it counts as silent.' },
  REELAY_LEASE_SECONDS: { schema: seconds(45), doc: 'How long a node keeps the right to its jobs without being heard, in seconds.' },
  REELAY_LEADER_SECONDS: { schema: seconds(10), doc: 'How long the leading scheduler stays leader without renewing, in seconds; it renews three times within that.' },
  REELAY_SWEEP_SECONDS: { schema: seconds(5), doc: 'How often the leader looks at everything even when no hint came, in seconds.' },
  REELAY_STARTUP_WAIT_SECONDS: { schema: seconds(30, 1), doc: 'How long to wait for Postgres and NATS when starting, in seconds.' },
});
export type SchedulerSettings = Settings<typeof schedulerSettings>;
