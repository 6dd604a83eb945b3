// Runs short helper programs before anything of npm is installed: node:* imports only.
import { spawn } from 'node:child_process';

/**
 * @typedef {object} RunResult
 * @property {number | null} code exit status, null when a signal ended it or it never started
 * @property {string} stdout
 * @property {string} stderr last 64 KB
 * @property {string | null} spawnError system error code such as ENOENT, when it never started
 */

const KEEP_BYTES = 64 * 1024;
/**
 * A watcher in the helper's group waits for the end of a pipe that only this process holds: when this process is gone,
 * however it ended, the group goes too; and when the helper is done, what it left running.
 */
const WATCHED = '(read -r _ <&3; kill -KILL 0) </dev/null >/dev/null 2>&1 & exec "$@" 3<&-';
const NOT_FOUND = 127;
const running = /** @type {Set<import('node:child_process').ChildProcess>} */ (new Set());

/** Ends every helper that still runs, at once. */
export function killHelpers() {
  for (const child of running) {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

/**
 * Runs a program to its end and never throws: a missing program is `spawnError`.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<RunResult>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', WATCHED, 'sh', program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // A group of its own, so that the helpers of a helper (apt's methods, npm's scripts) end with it.
      detached: true,
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: /** @type {const} */ ('SIGKILL') }),
    });
    running.add(child);
    let stdout = '';
    let stderr = '';
    let spawnError = /** @type {string | null} */ (null);
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr = (stderr + text).slice(-KEEP_BYTES);
    });
    const watched = child.stdio[3];
    watched?.on('error', () => {});
    child.on('exit', () => watched?.destroy());
    child.on('error', (error) => {
      spawnError = 'code' in error ? String(error.code) : error.message;
    });
    child.on('close', (code) => {
      running.delete(child);
      if (code === NOT_FOUND) spawnError = 'ENOENT';
      resolve({ code: spawnError === null ? code : null, stdout, stderr, spawnError });
    });
  });
}
