/** Every value that the programs would read, by the programs' own definitions: all faults at once. */
import { readFile, stat } from 'node:fs/promises';
import { launcherSettings } from '@reelay/launcher/settings';
import { gatewaySettings } from '@reelay/gateway/settings';
import { agentSettings } from '@reelay/node-agent/settings';
import { type Env, errorCode, type SettingsDefinition } from '@reelay/runtime';
import { schedulerSettings } from '@reelay/scheduler/settings';
import { z } from 'zod';
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';

const DEFINITIONS: Readonly<Record<string, SettingsDefinition>> = { 'npm start': launcherSettings, gateway: gatewaySettings, scheduler: schedulerSettings, 'node agent': agentSettings };
const LIMIT_MS = 5_000;
/** Read by this command, by tests, or set by one program for another. */
const OTHER_NAMES = /^REELAY_(URL|TOKEN|DEBUG|CONFIG(_OPTIONAL)?|RUN|PROC|NATS_(HOST|PORT|HTTP_PORT|OPERATOR|ACCOUNTS_DIR|STORE_DIR)|WRITE_DOCS|TEST_\w+|BENCH_\w+|CHAOS_\w+|TORTURE_\w+)$/;

const known = (): ReadonlySet<string> => new Set(Object.values(DEFINITIONS).flatMap((definition) => Object.keys(definition)));

/** Faults of what is set; what is not set comes from the launcher, or is asked for at the start of the service. */
const faultsIn = (env: Env, file: Record<string, unknown>): Map<string, string> => {
  const faults = new Map<string, string>();
  const given = (name: string): boolean => Boolean(env[name]) || Boolean(file[name]);
  for (const definition of Object.values(DEFINITIONS)) {
    for (const [name, setting] of Object.entries(definition)) {
      if (!given(name)) continue;
      try {
        const raw = env[name] || file[name];
        // Values of a file may be numbers and booleans; as the programs read them.
        setting.schema.parse(raw);
      } catch (error) {
        if (error instanceof z.ZodError) faults.set(name, error.issues[0]?.message ?? 'is not valid');
      }
    }
  }
  return faults;
};

const unknownNames = (names: readonly string[]): string[] => {
  const all = known();
  return names.filter((name) => !all.has(name) && !OTHER_NAMES.test(name));
};

/** What the file holds, or why it holds nothing. */
const fileOf = async (path: string | undefined): Promise<{ values: Record<string, unknown>; findings: Finding[] }> => {
  if (path === undefined) return { values: {}, findings: [ok('No file of settings (reelay.json); the environment and the defaults count')] };
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(await readFile(path, 'utf8')));
    if (!parsed.success) return { values: {}, findings: [fail(`${path} is not a JSON object`, 'write it as {"NAME": "value", …}; docs/configuration.md has the names')] };
    const secret = Object.keys(parsed.data).some((name) => Object.values(DEFINITIONS).some((definition) => definition[name]?.secret === true));
    const open = secret && ((await stat(path)).mode & 0o044) !== 0;
    return { values: parsed.data, findings: [open ? warn(`${path} holds a secret and others may read it`, `chmod 600 ${path}`) : ok(`${path} can be read`)] };
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${errorCode(error) ?? 'unknown error'})`;
    return { values: {}, findings: [fail(`${path} ${why}`, 'mend the file, or unset REELAY_CONFIG')] };
  }
};

const look = async ({ env, place }: Patient): Promise<Finding[]> => {
  const { values, findings } = await fileOf(place.configFile);
  const faults = faultsIn(env, values);
  const strange = [
    ...unknownNames(Object.keys(values)).map((name) => warn(`${place.configFile ?? ''}: ${name} is no setting`, 'docs/configuration.md has the names')),
    ...unknownNames(Object.keys(env).filter((name) => name.startsWith('REELAY_'))).map((name) => warn(`The variable ${name} is no setting`, 'docs/configuration.md has the names')),
  ];
  const wrong = [...faults].map(([name, message]) => fail(`${name}: ${message}`, `docs/configuration.md says what ${name} may be`));
  return [...findings, ...wrong, ...strange, ...(faults.size === 0 ? [ok('Every setting that is given is valid')] : [])];
};

export const settingsChecks: Check[] = [{ id: 'settings', group: 'Settings', limitMs: LIMIT_MS, look }];
