// The folder of privately unpacked programs. Clones of one user share it; every entry appears by one rename, so
// two starts at the same time both end with a whole entry.
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StartError } from './errors.mjs';

const TEMP_PREFIX = '.unpacking-';
const STALE_TEMP_MS = 60 * 60 * 1000;

/** Distribution, release and processor: programs of one must never be run on another. */
function platformKey() {
  let release = 'linux';
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    const field = (/** @type {string} */ name) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
    release = [field('ID') ?? 'linux', field('VERSION_ID') ?? field('VERSION_CODENAME') ?? 'rolling'].join('-');
  } catch {
    // No os-release: apt is missing there too, and the fetch says so.
  }
  return `${release}-${process.arch}`;
}

/**
 * Chooses and makes the folder: the user's cache, else `.cache` of the clone.
 * @param {string} repoRoot
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
export function toolsFolder(repoRoot, env) {
  const userCache = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  const candidates = [join(userCache, 'reelay', 'tools'), join(repoRoot, '.cache', 'tools')];
  for (const base of candidates) {
    const folder = join(base, platformKey());
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK | constants.X_OK);
      return folder;
    } catch {
      // Try the next one.
    }
  }
  throw new StartError('NO_CACHE_FOLDER', `Neither ${candidates.join(' nor ')} can be written: give this user a home folder or write access to the clone.`);
}

/**
 * A new temporary folder beside the entries; removes what killed starts left there.
 * @param {string} folder
 */
export async function newTempFolder(folder) {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(TEMP_PREFIX)) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => null);
    if (info !== null && Date.now() - info.mtimeMs > STALE_TEMP_MS) await rm(path, { recursive: true, force: true });
  }
  return mkdtemp(join(folder, TEMP_PREFIX));
}

/**
 * Moves a finished folder to its final name. When another start was first, its entry stays and ours goes.
 * @param {string} from
 * @param {string} to
 */
export async function publishFolder(from, to) {
  try {
    await rename(from, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    await rm(from, { recursive: true, force: true });
  }
}

/**
 * Takes a broken entry away in one step.
 * @param {string} folder
 * @param {string} entry
 */
export async function removeEntry(folder, entry) {
  const grave = await newTempFolder(folder);
  await rename(entry, join(grave, 'broken')).catch(() => {});
  await rm(grave, { recursive: true, force: true });
}
