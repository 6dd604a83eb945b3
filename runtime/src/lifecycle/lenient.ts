import type { Env, Settings, SettingsDefinition } from '../config.ts';

/**
 * What the environment says, with the defaults for what is wrong: for the little that is needed before the settings are
 * read, and must not fail. The faults are told when they are read.
 */
export function readLeniently<D extends SettingsDefinition>(definition: D, env: Env): Settings<D> {
  const values = Object.entries(definition).map(([name, { schema }]) => {
    const parsed = schema.safeParse(env[name] || undefined);
    return [name, parsed.success ? parsed.data : schema.parse(undefined)];
  });
  return Object.fromEntries(values) as Settings<D>;
}
