// Starts the real system for a benchmark in a folder of its own, and stops it.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const run = promisify(execFile);
export const ffmpegPath = process.env['FFMPEG_PATH'] ?? 'ffmpeg';

/** @returns {Promise<number>} a port that was free a moment ago */
export const freePort = () =>
  new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolvePort(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/**
 * @typedef {{ baseUrl: string, pid: number, folder: string, readyMs: number, api: (method: string, path: string, body?: unknown) => Promise<any>, upload: (file: string, name: string) => Promise<any>, stop: () => Promise<void> }} BenchSystem
 * @returns {Promise<BenchSystem>}
 */
export const startSystem = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-bench-'));
  const port = await freePort();
  const password = 'bench-password';
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(root, 'launcher/start.mjs')], {
    cwd: root,
    env: { ...process.env, PORT: String(port), REELAY_DATA_DIR: join(folder, 'data'), REELAY_ADMIN_PASSWORD: password, REELAY_DEMO: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Also when a benchmark fails where nobody waits for it.
  process.once('exit', () => child.kill('SIGTERM'));
  await new Promise((ready, reject) => {
    child.once('exit', (code) => reject(new Error(`the system ended with ${code} before it was ready`)));
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('Reelay is ready at')) ready(undefined);
      text = text.slice(-4000);
    });
  });
  const readyMs = performance.now() - startedAt;
  const baseUrl = `http://127.0.0.1:${port}`;
  let token = '';
  /** @type {BenchSystem['api']} */
  const api = async (method, path, body) => {
    const response = await fetch(baseUrl + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok && response.status !== 202) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  token = (await api('POST', '/api/auth/login', { username: 'admin', password })).token;
  return {
    baseUrl, pid: child.pid ?? 0, folder, readyMs, api,
    upload: async (file, name) => {
      const response = await fetch(`${baseUrl}/api/media/videos/upload?filename=${encodeURIComponent(name)}`, {
        method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' }, body: await readFile(file),
      });
      if (!response.ok) throw new Error(`upload: ${response.status}`);
      return response.json();
    },
    stop: async () => {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Process ids whose command line holds `text` and starts ffmpeg. @param {string} text @returns {Promise<number[]>} */
export const ffmpegsOf = async (text) => {
  const pids = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(text) && /ffmpeg/.test(line.split('\0').slice(0, 4).join(' '))) pids.push(Number(entry));
  }
  return pids;
};

/** Resolves with the milliseconds since `since` when `test` first holds. @param {number} since @param {() => Promise<boolean>} test */
export const timeUntil = async (since, test) => {
  while (!(await test())) {
    if (performance.now() - since > 30_000) throw new Error('waited 30 s');
    // Not at once: a look at all of /proc takes a core from what is measured.
    await new Promise((next) => setTimeout(next, 2));
  }
  return performance.now() - since;
};

/** @param {number[]} values @param {number} q */
export const quantile = (values, q) => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
};
