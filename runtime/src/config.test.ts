import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, defineSettings, describeSettings, mergeReloaded, readSettings } from './config.ts';
import { commonSettings, flag } from './settings/common.ts';

const definition = defineSettings({
  PORT: { schema: z.coerce.number().int().min(0).max(65_535).default(4100), doc: 'Port.' },
  NAME: { schema: z.string().min(1), doc: 'Name.' },
  LEVEL: { schema: z.enum(['info', 'debug']).default('info'), doc: 'Level.', reloadable: true },
  KEY: { schema: z.string().min(20), doc: 'Key.', secret: true },
  DEMO: { schema: flag(true), doc: 'Demo.' },
});
const KEY = 'k'.repeat(20);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reelay-config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function problemsOf(fn: () => unknown): readonly { name: string; message: string }[] {
  try {
    fn();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
}

test('values are parsed, defaulted and frozen', () => {
  const settings = readSettings(definition, { env: { NAME: 'a', KEY, PORT: '', DEMO: '0' } });
  expect(settings).toEqual({ PORT: 4100, NAME: 'a', LEVEL: 'info', KEY, DEMO: false });
  expect(Object.isFrozen(settings)).toBe(true);
});

test('the environment wins over the file', () => {
  const file = join(dir, 'reelay.json');
  writeFileSync(file, JSON.stringify({ PORT: 0, NAME: 'file', KEY, LEVEL: 'debug', DEMO: false }));
  expect(readSettings(definition, { env: { REELAY_CONFIG: file, NAME: 'env' } })).toEqual({ PORT: 0, NAME: 'env', LEVEL: 'debug', KEY, DEMO: false });
});

test('all problems are reported at once and no secret is quoted', () => {
  const problems = problemsOf(() => readSettings(definition, { env: { PORT: 'x', LEVEL: 'loud', KEY: 'S3CRET', DEMO: 'maybe' } }));
  expect(problems.map((p) => p.name)).toEqual(['PORT', 'NAME', 'LEVEL', 'KEY', 'DEMO']);
  expect(problems[1]?.message).toBe('is required');
  expect(JSON.stringify(problems)).not.toContain('S3CRET');
});

test('a file that was named must exist and be a JSON object', () => {
  const file = join(dir, 'x.json');
  expect(problemsOf(() => readSettings(definition, { env: {}, file }))).toHaveLength(1);
  writeFileSync(file, '{"KEY": "S3CRET"');
  expect(JSON.stringify(problemsOf(() => readSettings(definition, { env: {}, file })))).toContain('is not a JSON object');
});

test('a reload takes only what may change', () => {
  const before = readSettings(definition, { env: { NAME: 'a', KEY } });
  const after = readSettings(definition, { env: { NAME: 'b', KEY, LEVEL: 'debug' } });
  expect(mergeReloaded(definition, before, after)).toEqual({ settings: { ...before, LEVEL: 'debug' }, changed: ['LEVEL'], needsRestart: ['NAME'], withoutEffect: [] });
});

test('the documentation rows say what is required, and no secret default', () => {
  expect(describeSettings(definition)).toEqual([
    { name: 'PORT', doc: 'Port.', required: false, default: '4100', secret: false, takesEffect: 'after a restart' },
    { name: 'NAME', doc: 'Name.', required: true, secret: false, takesEffect: 'after a restart' },
    { name: 'LEVEL', doc: 'Level.', required: false, default: 'info', secret: false, takesEffect: 'on reload' },
    { name: 'KEY', doc: 'Key.', required: true, secret: true, takesEffect: 'after a restart' },
    { name: 'DEMO', doc: 'Demo.', required: false, default: 'true', secret: false, takesEffect: 'after a restart' },
  ]);
});

test('the common settings check their URLs', () => {
  const names = problemsOf(() => readSettings(commonSettings, { env: { DATABASE_URL: 'mysql://x', NATS_URL: 'http://x' } })).map((p) => p.name);
  expect(names).toEqual(['DATABASE_URL', 'NATS_URL', 'REELAY_SECRET_FILE']);
});
