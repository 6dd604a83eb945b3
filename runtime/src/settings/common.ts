import { z } from 'zod';
import { defineSettings } from '../config.ts';
import { LOG_LEVELS } from '../log.ts';

/** A true/false variable: 1/0, true/false, yes/no, on/off. */
export function flag(byDefault: boolean): z.ZodType<boolean> {
  return z
    .union([z.boolean(), z.enum(['1', '0', 'true', 'false', 'yes', 'no', 'on', 'off'])], { error: 'expected 1 or 0' })
    .transform((value) => value === true || value === '1' || value === 'true' || value === 'yes' || value === 'on')
    .default(byDefault);
}

/** For `reloadable`: another value may come, but having one or none cannot change while running. */
export const unlessSetOrUnset = (before: unknown, after: unknown): boolean => (before === undefined) === (after === undefined);

function url(...protocols: string[]): z.ZodString {
  return z.string().regex(new RegExp(`^(${protocols.join('|')})://.+`), { error: `expected a URL that starts with ${protocols.map((p) => `${p}://`).join(' or ')}` });
}

/** Settings that more than one service reads. Each service picks its own from here. */
export const commonSettings = defineSettings({
  REELAY_DATA_DIR: { schema: z.string().min(1).default('.reelay'), doc: 'Folder for everything that Reelay keeps outside the library: databases, keys, caches, logs.' },
  MEDIA_LIBRARY_PATH: { schema: z.string().min(1).default('media'), doc: 'Root folder of the media library. Every path in the API is relative to it and cannot leave it.' },
  DATABASE_URL: { schema: url('postgres', 'postgresql'), doc: 'Postgres connection URL.', secret: true },
  NATS_URL: { schema: url('nats', 'tls'), doc: 'NATS server; several are separated by commas. May carry a user and password, or a token.', secret: true },
  REELAY_NATS_CREDS: { schema: z.string().min(1).optional(), doc: 'Path of the .creds file with which this process signs in to NATS. Read again on reload, and at each reconnect.', reloadable: unlessSetOrUnset },
  REELAY_SECRET_FILE: { schema: z.string().min(1), doc: 'Path of a file (mode 0600) with the keys of media URLs, one a line: the first signs, all are accepted; the same on every gateway and scheduler. Read again on reload.', reloadable: true },
  REELAY_LOG_LEVEL: { schema: z.enum(LOG_LEVELS).default('info'), doc: 'Least important level that is logged.', reloadable: true },
  SHUTDOWN_TIMEOUT: { schema: z.coerce.number().min(0.1).max(3_600).default(10), doc: 'How long an orderly stop may take, in seconds; then what is left is cut off. The steps of the stop share it.', reloadable: true },
  REELAY_RUN_DIR: { schema: z.string().min(1).optional(), doc: 'Folder of lock and PID file, of this host alone; REELAY_DATA_DIR when left out. Each further instance of a service needs one of its own.' },
  REELAY_MIGRATIONS_DIR: { schema: z.string().min(1).default('store/migrations'), doc: 'Folder with the database migrations.' },
  REELAY_LOG_MAX_MB: { schema: z.coerce.number().min(0.001).max(10_000).default(10), doc: 'With --log-file or --detach: a log file of this size, in MB, is put aside. From the environment alone.' },
  REELAY_LOG_KEEP: { schema: z.coerce.number().int().min(0).max(100).default(5), doc: 'With --log-file or --detach: how many log files that were put aside are kept. From the environment alone.' },
});
