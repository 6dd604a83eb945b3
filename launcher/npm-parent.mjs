// The npm that runs `npm start`. Killed, it passes nothing on; ended before it listens to signals, neither: who was started
// by it has to see that it is gone.
import { readFileSync } from 'node:fs';

const MAX_ANCESTORS = 32;
const TRIES = 3;

/** @typedef {{ pid: number, startTicks: string }} Npm */

/** Null when it has ended, or may not be looked at. @param {number} pid @returns {(Npm & { parent: number }) | null} */
const processAt = (pid) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : { pid, parent: Number(fields[1]), startTicks: fields[19] ?? '' };
  } catch {
    return null;
  }
};

/** `npm start`, `npm run start`, `npm restart`. Not another npm further up, such as the `npm test` that is process 1 of a container and takes in who lost its parent. @param {number} pid */
const startsUs = (pid) => {
  try {
    return /(^|\/)npm(-cli\.js)?[\0 ](.*[\0 ])?(re)?start([\0 ]|$)/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
};

/** `none`: all were looked at; `unknown`: one of them could not be. @returns {Npm | 'none' | 'unknown'} */
const ancestor = () => {
  let pid = process.ppid;
  for (let step = 0; step < MAX_ANCESTORS && pid > 0; step += 1) {
    const at = processAt(pid);
    if (at === null) return 'unknown';
    if (startsUs(pid)) return { pid, startTicks: at.startTicks };
    pid = at.parent;
  }
  return 'none';
};

/** npm itself, with our own script: others leave the same variables, or hand them on. @param {NodeJS.ProcessEnv} env */
const isOurStart = (env) => (env['npm_lifecycle_script'] ?? '').includes('launcher/start.mjs') && (env['npm_execpath'] ?? '').endsWith('npm-cli.js');

/**
 * To be asked before anything else is done. `gone`: npm has started us and has ended; null: it has not, or cannot be seen.
 * @param {NodeJS.ProcessEnv} env @returns {Npm | 'gone' | null}
 */
export const findNpm = (env) => {
  if (env['npm_lifecycle_event'] === undefined) return null;
  // Of a parent that ends meanwhile the next one is ours.
  for (let n = 0; n < TRIES; n += 1) {
    const found = ancestor();
    if (found === 'none') return isOurStart(env) ? 'gone' : null;
    if (found !== 'unknown') return found;
  }
  return null;
};

/** @param {Npm} npm */
export const npmIsGone = ({ pid, startTicks }) => processAt(pid)?.startTicks !== startTicks;

export const NPM_POLL_MS = 250;
