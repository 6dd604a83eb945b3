import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { errorCode, ReelayError } from './errors.ts';

/** One variable: how it is parsed and what it means. The documentation is generated from these. */
export interface Setting {
  schema: z.ZodType;
  doc: string;
  /** Never printed, neither in logs nor in documentation. */
  secret?: boolean;
  /** May change on SIGHUP without a restart; a function says whether this change may. */
  reloadable?: boolean | ((before: unknown, after: unknown) => boolean);
  /** Read at the very first start alone: neither a reload nor a restart makes a new value count. */
  firstStartOnly?: boolean;
}

export type SettingsDefinition = Record<string, Setting>;
export type Settings<D extends SettingsDefinition> = { readonly [K in keyof D]: z.output<D[K]['schema']> };
export type Env = Readonly<Record<string, string | undefined>>;

export interface ConfigProblem {
  name: string;
  message: string;
}

/** What must hold between settings, each of which is good by itself. Answers the problems. */
export type SettingsCheck<D extends SettingsDefinition> = (settings: Settings<D>) => readonly ConfigProblem[];

export interface SettingsSource<D extends SettingsDefinition> {
  env: Env;
  file?: string | undefined;
  /** The file may be missing, although it is named. */
  fileIsOptional?: boolean | undefined;
  check?: SettingsCheck<D> | undefined;
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends ReelayError {
  readonly code = 'config_invalid';
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(`invalid configuration: ${problems.map((p) => `${p.name}: ${p.message}`).join('; ')}`, { problems });
    this.problems = problems;
  }
}

/** Declares settings; keeps the exact type of each. */
export function defineSettings<const D extends SettingsDefinition>(definition: D): D {
  return definition;
}

function readJsonFile(path: string, required: boolean): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!required && errorCode(error) === 'ENOENT') return {};
    throw new ConfigError([{ name: path, message: `cannot be read (${errorCode(error) ?? 'unknown error'})` }]);
  }
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // The parser's message quotes the text, which may hold a secret.
  }
  throw new ConfigError([{ name: path, message: 'is not a JSON object' }]);
}

/**
 * Parses every setting from the environment, then from the JSON file (`file`, else `REELAY_CONFIG`, else
 * `reelay.json` in the working folder when there is one). An empty variable counts as unset. A file that was named must
 * be there, unless REELAY_CONFIG_OPTIONAL is 1.
 * @throws ConfigError with all problems
 */
export function readSettings<D extends SettingsDefinition>(definition: D, source: SettingsSource<D>): Settings<D> {
  const named = source.file ?? (source.env.REELAY_CONFIG || undefined);
  const fromFile = readJsonFile(named ?? 'reelay.json', named !== undefined && !source.fileIsOptional && source.env.REELAY_CONFIG_OPTIONAL !== '1');
  const problems: ConfigProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(definition)) {
    const raw = source.env[name] || fromFile[name];
    const parsed = setting.schema.safeParse(raw ?? undefined);
    if (parsed.success) values[name] = parsed.data;
    else for (const issue of parsed.error.issues) problems.push({ name, message: raw === undefined ? 'is required' : issue.message });
  }
  if (problems.length === 0) problems.push(...(source.check?.(values as Settings<D>) ?? []));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as Settings<D>;
}

/** What a reload changes, by name; never a value, which may be secret. */
export interface SettingsDifference {
  changed: readonly string[];
  /** Differs from what the process runs with, and stays as it was until a restart. */
  needsRestart: readonly string[];
  /** Differs, and does not count any more: it was read at the first start. */
  withoutEffect: readonly string[];
}

function isReloadable({ reloadable = false }: Setting, before: unknown, after: unknown): boolean {
  return typeof reloadable === 'function' ? reloadable(before, after) : reloadable;
}

/** The settings after a reload: reloadable ones are new, the rest stays; the lists name what differed. */
export function mergeReloaded<D extends SettingsDefinition>(definition: D, current: Settings<D>, next: Settings<D>): SettingsDifference & { settings: Settings<D> } {
  const merged: Record<string, unknown> = { ...current };
  const changed: string[] = [];
  const needsRestart: string[] = [];
  const withoutEffect: string[] = [];
  for (const [name, setting] of Object.entries(definition)) {
    if (JSON.stringify(current[name]) === JSON.stringify(next[name])) continue;
    if (setting.firstStartOnly) withoutEffect.push(name);
    else if (!isReloadable(setting, current[name], next[name])) needsRestart.push(name);
    else {
      merged[name] = next[name];
      changed.push(name);
    }
  }
  return { settings: Object.freeze(merged) as Settings<D>, changed, needsRestart, withoutEffect };
}

export interface SettingRow {
  name: string;
  doc: string;
  required: boolean;
  /** As text; absent when required or secret. */
  default?: string;
  secret: boolean;
  /** What makes a new value count. */
  takesEffect: 'on reload' | 'after a restart' | 'at the first start';
}

/** Rows for the generated configuration page. */
export function describeSettings(definition: SettingsDefinition): SettingRow[] {
  return Object.entries(definition).map(([name, { schema, doc, secret = false, reloadable = false, firstStartOnly = false }]) => {
    const absent = schema.safeParse(undefined);
    const takesEffect = firstStartOnly ? 'at the first start' : reloadable === false ? 'after a restart' : 'on reload';
    const row: SettingRow = { name, doc, required: !absent.success, secret, takesEffect };
    if (absent.success && absent.data !== undefined && !secret) row.default = typeof absent.data === 'string' ? absent.data : JSON.stringify(absent.data);
    return row;
  });
}
