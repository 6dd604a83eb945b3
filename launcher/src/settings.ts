import { commonSettings, defineSettings, flag, type Settings, unlessSetOrUnset } from '@reelay/runtime';
import { z } from 'zod';

/** What npm start reads itself. Other variables of the services are passed on to them. */
export const launcherSettings = defineSettings({
  PORT: { schema: z.coerce.number().int().min(0).max(65_535).default(4100), doc: 'TCP port of the web client and the API; 0 picks a free one.' },
  HOST: { schema: z.string().min(1).default('0.0.0.0'), doc: 'Address the HTTP server listens on.' },
  REELAY_DATA_DIR: commonSettings.REELAY_DATA_DIR,
  MEDIA_LIBRARY_PATH: { schema: z.string().min(1).optional(), doc: 'Root folder of the media library; `library` in the data folder when left out.' },
  REELAY_ADMIN_PASSWORD: { schema: z.string().min(8).max(1000).optional(), doc: 'Password of the first user `admin`; generated and kept in a file when left out. Read at the very first start alone.', secret: true, firstStartOnly: true },
  DATABASE_URL: { ...commonSettings.DATABASE_URL, schema: commonSettings.DATABASE_URL.schema.optional(), doc: 'Use this Postgres instead of the embedded one.' },
  NATS_URL: { ...commonSettings.NATS_URL, schema: commonSettings.NATS_URL.schema.optional(), doc: 'Use this NATS server instead of the embedded one.' },
  REELAY_NATS_CREDS: { schema: z.string().min(1).optional(), doc: 'With NATS_URL: the .creds file of gateway, scheduler and the local node.' },
  REELAY_DEMO: { schema: flag(true), doc: '0: make no demo clip for an empty library.' },
  REELAY_TLS_CERT: { schema: z.string().min(1).optional(), doc: 'Path of the TLS certificate (PEM); together with REELAY_TLS_KEY the gateway speaks HTTPS.', reloadable: unlessSetOrUnset },
  REELAY_LOG_LEVEL: commonSettings.REELAY_LOG_LEVEL,
  SHUTDOWN_TIMEOUT: commonSettings.SHUTDOWN_TIMEOUT,
  REELAY_LOG_MAX_MB: commonSettings.REELAY_LOG_MAX_MB,
  REELAY_LOG_KEEP: commonSettings.REELAY_LOG_KEEP,
});
export type LauncherSettings = Settings<typeof launcherSettings>;
