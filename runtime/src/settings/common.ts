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
});
