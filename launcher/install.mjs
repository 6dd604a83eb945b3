// Runs npm ci when node_modules is not what the lock file says.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from './tools/errors.mjs';
import { run } from './tools/run.mjs';

/** @typedef {{ version?: string, link?: boolean, optional?: boolean, devOptional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} LockEntry */

/**
 * Makes node_modules match package-lock.json; at once when it already does.
 * @param {string} repoRoot
 * @param {(line: string) => void} say
 * @throws {StartError} when npm fails
 */
export async function installPackages(repoRoot, say) {
  const lockText = await readFile(join(repoRoot, 'package-lock.json'), 'utf8');
  const stampFile = join(repoRoot, 'node_modules', '.reelay-install');
  const stamp = createHash('sha256').update(lockText).update(`${process.platform}-${process.arch}`).digest('hex');
  if ((await readFile(stampFile, 'utf8').catch(() => '')) === stamp) return;
  if (!(await installedByHand(repoRoot, lockText))) {
    say('Installing npm packages');
    await npmCi(repoRoot);
    say('npm packages installed');
  }
  await writeFile(stampFile, stamp);
}

/** @param {string} repoRoot */
async function npmCi(repoRoot) {
  const args = ['ci', '--no-fund', '--no-audit', '--loglevel=error'];
  const npmScript = process.env['npm_execpath'];
  const result =
    npmScript !== undefined && npmScript.endsWith('.js')
      ? await run(process.execPath, [npmScript, ...args], { cwd: repoRoot })
      : await run('npm', args, { cwd: repoRoot });
  if (result.spawnError !== null) throw new StartError('NO_NPM', 'npm was not found: install npm, or run npm ci in this folder and try again.');
  if (result.code !== 0) {
    throw new StartError('NPM_CI', `npm ci failed; check the network and the npm registry setting, then try again.\n${(result.stderr || result.stdout).trim().split('\n').slice(-8).join('\n')}`);
  }
}

/**
 * True when npm's own record of node_modules names every package of the lock file that this machine needs.
 * @param {string} repoRoot
 * @param {string} lockText
 */
async function installedByHand(repoRoot, lockText) {
  const hidden = await readFile(join(repoRoot, 'node_modules', '.package-lock.json'), 'utf8').catch(() => null);
  if (hidden === null) return false;
  const installed = packagesOf(hidden);
  return Object.entries(packagesOf(lockText)).every(([path, entry]) => !path.startsWith('node_modules/') || !isNeeded(entry) || installed[path]?.version === entry.version);
}

/**
 * @param {string} text
 * @returns {Record<string, LockEntry>}
 */
function packagesOf(text) {
  return JSON.parse(text).packages ?? {};
}

/** @param {LockEntry} entry */
function isNeeded(entry) {
  if (entry.link) return true;
  if (!entry.optional && !entry.devOptional) return true;
  if (entry.os === undefined && entry.cpu === undefined) return false;
  return (entry.os?.includes('linux') ?? true) && (entry.cpu?.includes(process.arch) ?? true) && (entry.libc?.includes('glibc') ?? true);
}
