/** Where Reelay lies and keeps its data on this machine, running or not. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { commonSettings, ConfigError, defineSettings, readSettings, type Settings } from '@reelay/runtime';
import { z } from 'zod';
import type { Io } from '../io.ts';

const DEFAULT_PORT = 4100;
const NO_FILE = '/nonexistent/reelay.json';

/** The few settings of `npm start` that tell where things are. */
const placeSettings = defineSettings({
  REELAY_DATA_DIR: commonSettings.REELAY_DATA_DIR,
  MEDIA_LIBRARY_PATH: { schema: z.string().min(1).optional(), doc: 'Root folder of the media library.' },
  PORT: { schema: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT), doc: 'Port of the gateway.' },
  HOST: { schema: z.string().min(1).default('0.0.0.0'), doc: 'Address of the gateway.' },
  DATABASE_URL: { ...commonSettings.DATABASE_URL, schema: commonSettings.DATABASE_URL.schema.optional() },
  NATS_URL: { ...commonSettings.NATS_URL, schema: commonSettings.NATS_URL.schema.optional() },
  REELAY_NATS_CREDS: commonSettings.REELAY_NATS_CREDS,
  SHUTDOWN_TIMEOUT: commonSettings.SHUTDOWN_TIMEOUT,
});

export interface Place {
  /** Folder of the clone or image: launcher/, dist/. */
  root: string;
  dataDir: string;
  libraryRoot: string;
  host: string;
  port: number;
  databaseUrl: string | undefined;
  natsUrl: string | undefined;
  natsCreds: string | undefined;
  /** What an orderly stop may take. */
  shutdownSeconds: number;
  /** The file of settings, when there is one. */
  configFile: string | undefined;
  /** What is wrong with these settings; then the defaults stand above. */
  problems: ConfigError['problems'];
}

/** As the launcher does it: relative folders count from the clone, those of an option from where the command was called. */
export const findPlace = ({ env, cwd }: Pick<Io, 'env' | 'cwd'>, root: string, dataDirOption: string | undefined): Place => {
  const file = env.REELAY_CONFIG ? resolve(cwd, env.REELAY_CONFIG) : join(root, 'reelay.json');
  const { settings, problems } = read(env.REELAY_CONFIG ? env : { ...env, REELAY_CONFIG_OPTIONAL: '1' }, file);
  const dataDir = dataDirOption === undefined ? resolve(root, settings.REELAY_DATA_DIR) : resolve(cwd, expandHome(dataDirOption));
  return {
    root, problems, dataDir,
    configFile: env.REELAY_CONFIG || existsSync(file) ? file : undefined,
    libraryRoot: settings.MEDIA_LIBRARY_PATH === undefined ? join(dataDir, 'library') : resolve(root, settings.MEDIA_LIBRARY_PATH),
    host: settings.HOST,
    port: settings.PORT,
    databaseUrl: settings.DATABASE_URL,
    natsUrl: settings.NATS_URL,
    natsCreds: settings.REELAY_NATS_CREDS,
    shutdownSeconds: settings.SHUTDOWN_TIMEOUT,
  };
};

type PlaceSettings = Settings<typeof placeSettings>;

/** What is wrong is told, and its default counts: a command that asks what is wrong must work all the same. */
const read = (env: Io['env'], file: string): { settings: PlaceSettings; problems: ConfigError['problems'] } => {
  try {
    return { settings: readSettings(placeSettings, { env, file }), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const bad = new Set(error.problems.map(({ name }) => name));
    const fileIsBad = bad.has(file);
    const goodEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !bad.has(name)));
    try {
      const settings = readSettings(placeSettings, { env: { ...goodEnv, REELAY_CONFIG_OPTIONAL: '1' }, file: fileIsBad ? NO_FILE : file });
      return { settings, problems: error.problems };
    } catch {
      return { settings: readSettings(placeSettings, { env: { REELAY_CONFIG_OPTIONAL: '1' }, file: NO_FILE }), problems: error.problems };
    }
  }
};

/** A shell does not expand the ~ of --data-dir=~/x. */
const expandHome = (path: string): string => (path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);
