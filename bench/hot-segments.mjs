// Promise: segments that are cached go out as fast as nginx sends files. Peer in the same run: one nginx worker with the same
// bytes on its disk, read by the same clients. Turns of a second each, so that both see the same machine.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { drive, slowReaders } from './load.mjs';
import { hasNginx, startEdge, startStatic } from './nginx.mjs';
import { ffmpegPath, freePort, quantile, run, timeUntil } from './system.mjs';

const gatewayProgram = resolve(import.meta.dirname, '../dist/gateway.js');
const CONNECTIONS = 8;
const TURN_MS = 1_000;
const WARM_UP_TURNS = 3;
const SLOW_READERS = 500;
const FILLER_BYTES = 1_500_000;
const FILLERS = 300;

/** What the system's own gateway was started with. @param {number} pid @returns {Promise<Record<string, string>>} */
const gatewayEnvironment = async (pid) => {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const status = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const words = (await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (Number(status.split(') ')[1]?.split(' ')[1]) !== pid || !words.some((word) => word.endsWith('/gateway.js'))) continue;
    const lines = (await readFile(`/proc/${entry}/environ`, 'utf8')).split('\0').filter((line) => line.includes('='));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  }
  throw new Error('the gateway of the system was not found');
};

/** A gateway of its own beside the system's. @param {Record<string, string>} env @param {string} folder */
const startGateway = async ({ REELAY_LOCAL_PORT: _port, ...env }, folder) => {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const profile = process.env['BENCH_CPU_PROF'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env['BENCH_CPU_PROF']}`];
  const child = spawn(process.execPath, [...profile, '--enable-source-maps', gatewayProgram], {
    env: { ...env, PORT: String(port), HOST: '127.0.0.1', REELAY_DATA_DIR: folder, REELAY_RUN_DIR: folder, REELAY_TRUST_PROXY: '1' }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise((done) => child.once('exit', done));
  await new Promise((ready, reject) => {
    child.once('exit', (code) => reject(new Error(`a gateway ended with ${code} before it was ready`)));
    child.on('message', (/** @type {{ ready?: boolean }} */ message) => message.ready === true && ready(undefined));
  });
  return { port, pid: child.pid ?? 0, stop: async () => { child.kill('SIGTERM'); await ended; } };
};

/** @param {number} pid */
const rssBytes = async (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

/** Processor seconds of a process and its children. @param {number} pid */
const cpuSeconds = async (pid) => {
  let ticks = 0;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = (await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')).split(') ')[1]?.split(' ');
    if (fields !== undefined && (Number(entry) === pid || Number(fields[1]) === pid)) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
};

/** @typedef {{ port: number, pid: number, paths: string[], headers?: Record<string, string> }} Target */

/** @param {Target} target */
const turn = async ({ pid, ...target }) => {
  const before = await cpuSeconds(pid);
  const { bytesPerSecond, requests } = await drive({ ...target, connections: CONNECTIONS, ms: TURN_MS });
  return { mb: bytesPerSecond / 1e6, cpuPerRequest: ((await cpuSeconds(pid)) - before) / requests };
};

/**
 * @param {string} promise @param {number} goal @param {Target} ours @param {Target} peer @param {number} rounds
 */
const compare = async (promise, goal, ours, peer, rounds) => {
  /** @type {{ ours: Awaited<ReturnType<typeof turn>>, peer: Awaited<ReturnType<typeof turn>> }[]} */
  const pairs = [];
  // Until their programs are compiled and their caches warm.
  for (let n = 0; n < WARM_UP_TURNS; n += 1) {
    await turn(peer);
    await turn(ours);
  }
  for (let n = 0; n < rounds; n += 1) {
    const first = await turn(n % 2 === 0 ? peer : ours);
    const second = await turn(n % 2 === 0 ? ours : peer);
    pairs.push(n % 2 === 0 ? { ours: second, peer: first } : { ours: first, peer: second });
  }
  const half = (/** @type {(pair: (typeof pairs)[number]) => number} */ of) => quantile(pairs.map(of), 0.5);
  return {
    promise, goal, megabytesPerSecond: half((pair) => pair.ours.mb), peerMegabytesPerSecond: half((pair) => pair.peer.mb),
    ratio: half((pair) => pair.ours.mb / pair.peer.mb), cpuRatio: half((pair) => pair.ours.cpuPerRequest / pair.peer.cpuPerRequest),
  };
};

/** By how much a gateway grows while hundreds read slowly. @param {Target} target @returns {Promise<number>} bytes */
const grownBy = async ({ pid, ...target }) => {
  const before = await rssBytes(pid);
  const end = await slowReaders({ ...target, count: SLOW_READERS });
  const most = [];
  for (let n = 0; n < 10; n += 1) {
    most.push(await rssBytes(pid));
    await new Promise((next) => setTimeout(next, 100));
  }
  end();
  return Math.max(...most) - before;
};

/** @param {Awaited<ReturnType<typeof compare>>} row */
export const sayHot = ({ promise, megabytesPerSecond, peerMegabytesPerSecond, ratio, cpuRatio, goal }) =>
  `${promise.padEnd(48)} ${megabytesPerSecond.toFixed(0).padStart(5)} MB/s  nginx ${peerMegabytesPerSecond.toFixed(0).padStart(5)} MB/s  ratio ${ratio.toFixed(2)}  processor time ${cpuRatio.toFixed(2)}  goal ${goal}`;

/** Segments of 1.5 MB each: six seconds at a constant 2 Mbit/s. @param {import('./system.mjs').BenchSystem} system */
const makeVideo = async (system) => {
  const clip = join(system.folder, 'hot.mkv');
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=24:duration=180', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '144', '-keyint_min', '144', '-sc_threshold', '0',
    '-b:v', '2M', '-minrate', '2M', '-maxrate', '2M', '-bufsize', '2M', '-x264-params', 'nal-hrd=cbr:filler=1', clip]);
  const video = await system.upload(clip, 'hot.mkv');
  await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/videos/${video.id}`)).valid === true);
  return { video, playback: await system.api('GET', `/api/media/videos/${video.id}/playback`) };
};

/** Pieces as the disk cache keeps them, under the version that an encode would have. @param {string} dir @param {string} master @returns {Promise<number>} how many */
const fillDisk = async (dir, master, rendition = 'h360') => {
  const version = master.split('/')[3] ?? '';
  await mkdir(join(dir, version, rendition), { recursive: true });
  for (let n = 0; n < FILLERS; n += 1) {
    const bytes = randomBytes(FILLER_BYTES);
    const tag = createHash('sha256').update(bytes).digest('base64url').slice(0, 27);
    await writeFile(join(dir, version, rendition, `${n}.${bytes.length}.${tag}`), bytes);
  }
  return FILLERS;
};

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchHotSegments = async (system, rounds) => {
  if (!(await hasNginx())) {
    console.error('hot segments: left out, there is no nginx here (NGINX_PATH, or in PATH)');
    return [];
  }
  const { video, playback } = await makeVideo(system);
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  const headers = { authorization: `Bearer ${token}` };
  const env = await gatewayEnvironment(system.pid);
  const diskDir = join(system.folder, 'bench-pieces');
  const fillers = await fillDisk(diskDir, playback.ladderUrl);
  const memory = await startGateway({ ...env, REELAY_CACHE_MEMORY_MB: '256' }, join(system.folder, 'bench-a'));
  const disk = await startGateway({ ...env, REELAY_CACHE_MEMORY_MB: '0', REELAY_CACHE_DIR: diskDir }, join(system.folder, 'bench-b'));
  const ended = [memory.stop, disk.stop];
  try {
    const base = playback.masterUrl.replace(/master\.m3u8$/, '');
    const paths = Array.from({ length: 28 }, (_, n) => `${base}v0/${n + 1}.m4s`);
    const www = join(system.folder, 'bench-www');
    for (const path of paths) {
      const answer = await fetch(`http://127.0.0.1:${memory.port}${path}`, { headers });
      await mkdir(dirname(join(www, path)), { recursive: true });
      await writeFile(join(www, path), Buffer.from(await answer.arrayBuffer()));
    }
    const ladder = playback.ladderUrl.replace(/master\.m3u8$/, '');
    const diskPaths = Array.from({ length: 60 }, (_, n) => `${ladder}h360/${n}.m4s`).filter((_, n) => n < Math.min(fillers, 29));
    const peer = await startStatic(join(system.folder, 'bench-nginx'), www);
    const edge = await startEdge(join(system.folder, 'bench-edge'), `127.0.0.1:${memory.port}`);
    ended.push(peer.stop, edge.stop);
    const file = { ...peer, paths };
    const rows = [
      await compare('1.5 MB segments from memory, signed in', 1, { ...memory, paths, headers }, file, rounds),
      await compare('1.5 MB segments from the disk cache', 0.6, { ...disk, paths: diskPaths, headers }, file, rounds),
    ];
    const grown = [await grownBy({ ...memory, paths, headers }), await grownBy({ ...disk, paths: diskPaths, headers })];
    await system.api('PATCH', `/api/media/videos/${video.id}`, { isPublic: true });
    rows.push(await compare('1.5 MB segments from memory, public', 1, { ...memory, paths }, file, rounds));
    rows.push(await compare('1.5 MB segments behind deploy/edge', 0.95, { ...edge, paths }, file, rounds));
    console.error(`${SLOW_READERS} slow readers: memory grew by ${grown.map((bytes) => (bytes / 1e6).toFixed(0)).join(' MB (from memory), ')} MB (from the disk cache)`);
    return rows;
  } finally {
    for (const stop of ended.toReversed()) await stop();
  }
};
