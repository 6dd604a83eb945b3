// The few things that can be looked at before anything is installed; the whole of it is `reelay doctor` of a built clone.
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NEEDED_BYTES = 2 * 1024 ** 3;

/** @typedef {{ id: string, status: 'ok' | 'warn' | 'fail', message: string, advice: string | null }} Finding */

/** @param {string} name @returns {string | null} */
function program(name) {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not there.
    }
  }
  return null;
}

/** @param {string} id @param {boolean} ok @param {string} message @param {string | null} advice @param {'warn' | 'fail'} otherwise @returns {Finding} */
const finding = (id, ok, message, advice = null, otherwise = 'fail') => ({ id, status: ok ? 'ok' : otherwise, message, advice: ok ? null : advice });

/** @param {string} root @returns {Finding[]} */
function findings(root) {
  const isLinux = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');
  const space = statfsSync(root);
  const freeBytes = space.bavail * space.bsize;
  const hasApt = existsSync('/etc/apt') && program('apt-get') !== null;
  const fetched = hasApt ? 'reelay start fetches it privately' : 'install it';
  /** @param {string} name */
  const tool = (name) => finding(name, program(name) !== null, `${name}: ${program(name) ?? 'not on PATH'}`, fetched, hasApt ? 'warn' : 'fail');
  /** @type {string} */
  let os = process.platform;
  try {
    os = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os;
  } catch {
    // Not Linux.
  }
  return [
    finding('node', true, `Node ${process.versions.node}`),
    finding('platform', isLinux, `${os}, ${process.arch}`, 'npm start runs on Linux with x64 or arm64; use docker compose up here'),
    finding('npm', program('npm') !== null, `npm: ${program('npm') ?? 'not on PATH'}`, 'install npm'),
    finding('space', freeBytes > NEEDED_BYTES, `${(freeBytes / 1024 ** 3).toFixed(1)} GB free in ${root}`, 'make room: packages and programs need about 2 GB'),
    finding('packages', existsSync(join(root, 'node_modules')), existsSync(join(root, 'node_modules')) ? 'npm packages are there' : 'npm packages are not installed', 'reelay start (or npm ci) installs them', 'warn'),
    finding('build', false, 'this clone is not built', 'reelay start (or npm run build) builds it; then reelay doctor looks at everything', 'warn'),
    ...['ffmpeg', 'ffprobe', 'nats-server'].map(tool),
  ];
}

/**
 * @param {string} root
 * @param {boolean} asJson
 * @returns {Promise<number>} exit code
 */
export async function lookAround(root, asJson) {
  const checks = findings(root);
  const failed = checks.some(({ status }) => status === 'fail');
  if (asJson) process.stdout.write(`${JSON.stringify({ ok: !failed, checks }, null, 2)}\n`);
  else for (const { status, message, advice } of checks) process.stdout.write(`${status.padEnd(4)}  ${message}${advice === null ? '' : `: ${advice}`}\n`);
  return failed ? 1 : 0;
}
