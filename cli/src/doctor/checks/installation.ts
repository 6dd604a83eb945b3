import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import manifest from '../../../package.json' with { type: 'json' };
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';

const PROGRAMS = ['gateway.js', 'scheduler.js', 'node-agent.js', 'job-process.js'];
const SOURCES = ['contracts', 'runtime', 'store', 'job-types', 'gateway', 'scheduler', 'node-agent', 'launcher', 'cli'];
const LIMIT_MS = 10_000;

const build = ({ place: { root } }: Patient): Finding[] => {
  const missing = PROGRAMS.filter((name) => !existsSync(join(root, 'dist', name)));
  if (missing.length > 0) return [fail(`Not built: dist/${missing.join(', dist/')} missing`, 'npm run build')];
  return [ok(`Reelay ${manifest.version} in ${root}`, { version: manifest.version, root })];
};

const newest = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && /\.(ts|tsx|mjs|sql)$/.test(entry.name) && !entry.name.includes('.test.') && !entry.parentPath.includes('node_modules'));
  const times = await Promise.all(files.map((entry) => stat(join(entry.parentPath, entry.name)).then((info) => info.mtimeMs, () => 0)));
  return Math.max(0, ...times);
};

/** In a clone the programs may be older than the sources; an image has no sources. */
const freshness = async ({ place: { root } }: Patient): Promise<Finding[]> => {
  if (!existsSync(join(root, 'cli', 'src'))) return [];
  const built = await stat(join(root, 'dist', '.stamp')).then((info) => info.mtimeMs, () => 0);
  const sources = Math.max(...(await Promise.all(SOURCES.map((name) => newest(join(root, name))))));
  return [sources > built ? warn('The sources are newer than what is built', 'npm run build, or the next npm start, builds them') : ok('What is built is as new as the sources')];
};

/** A system that was started before an update runs the old programs. */
const running = ({ instance }: Patient): Finding[] => {
  const version = instance?.facts?.version;
  if (version === undefined) return [];
  return [version === manifest.version ? ok(`The running system is ${version} too`) : warn(`The running system is ${version}, this command ${manifest.version}`, 'restart it: reelay stop, reelay start')];
};

const installation = (id: string, look: Check['look']): Check => ({ id, group: 'Installation', limitMs: LIMIT_MS, look });

export const installationChecks: Check[] = [installation('build', build), installation('freshness', freshness), installation('version', running)];
