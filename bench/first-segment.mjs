// Promise: the first segment of an encode costs hardly more than the encoder itself. Peer in the same run: bare ffmpeg with the
// very arguments that the node used, until its first whole segment is out of the pipe.
import { execFileSync, spawn } from 'node:child_process';
import { copyFile, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ffmpegPath, ffmpegsOf, quantile, run, timeUntil } from './system.mjs';

const SECONDS = 60;
const RENDITION = 'h360';
/** In the middle, where no keyframe of the source is. */
const DEEP_SEGMENT = 14;

/** A film that no browser plays as it is: 1080p30, pictures in HEVC. @param {string} folder */
const makeFilm = async (folder) => {
  const path = join(folder, 'hevc.mkv');
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1920x1080:rate=30:duration=10`, '-f', 'lavfi', '-i', 'sine=440:duration=10',
    '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=150', '-b:v', '6M', '-c:a', 'aac', join(folder, 'ten.mkv')]);
  await run(ffmpegPath, ['-v', 'error', '-y', '-stream_loop', String(SECONDS / 10 - 1), '-i', join(folder, 'ten.mkv'), '-c', 'copy', path]);
  return path;
};

/** Arguments of the ffmpeg that encodes pictures of a file now. @param {string} file */
const argumentsOf = async (file) => {
  for (const pid of await ffmpegsOf(file)) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1);
    const at = words.findIndex((word) => /(^|\/)ffmpeg$/.test(word));
    if (at >= 0 && words.includes('-frames:v')) return words.slice(at);
  }
  return null;
};

/** @param {number} pid @param {NodeJS.Signals} name */
const signal = (pid, name) => {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
};

/** Milliseconds until bare ffmpeg has written its first whole moof and mdat. @param {string[]} words */
const bareFirstSegment = (words) => new Promise((resolve, reject) => {
  const since = performance.now();
  const child = spawn(words[0] ?? ffmpegPath, words.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  let bytes = Buffer.alloc(0);
  child.once('error', reject);
  child.stdout.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let at = 0; at + 8 <= bytes.length; ) {
      const size = bytes.readUInt32BE(at);
      const whole = at + size <= bytes.length;
      if (whole && bytes.toString('latin1', at + 4, at + 8) === 'mdat') {
        resolve(performance.now() - since);
        child.kill('SIGKILL');
        return;
      }
      if (!whole) return;
      at += size;
    }
  });
});

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchFirstSegment = async (system, rounds) => {
  const film = await makeFilm(system.folder);
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  const headers = { authorization: `Bearer ${token}` };
  /** @type {Record<'cold' | 'seek', { ours: number[], peer: number[] }>} */
  const times = { cold: { ours: [], peer: [] }, seek: { ours: [], peer: [] } };
  for (let round = 0; round < rounds; round += 1) {
    // A film of its own each time: nothing of it is known, cached or open.
    const name = `film-${round}.mkv`;
    const copy = join(system.folder, name);
    await copyFile(film, copy);
    await utimes(copy, 1_700_000_000, 1_700_000_000 + round);
    const { id } = await system.upload(copy, name);
    await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/videos/${id}`)).valid === true);
    // The thumbnail is made after the validation.
    await timeUntil(performance.now(), async () => (await system.api('GET', '/api/media/jobs?status=running,queued,pending')).data.length === 0);
    const { masterUrl, mode } = await system.api('GET', `/api/media/videos/${id}/playback`);
    if (mode !== 'transcode') throw new Error(`the film is played by ${mode}`);
    const base = system.baseUrl + masterUrl.replace(/master\.m3u8$/, '');
    const get = async (/** @type {string} */ path) => {
      const response = await fetch(base + path, { headers });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response.arrayBuffer();
    };
    /** As a player does: the playlists, then init and segment at the same time. @param {number} n */
    const play = async (n) => {
      const since = performance.now();
      if (n === 0) for (const path of ['master.m3u8', `${RENDITION}/index.m3u8`]) await get(path);
      await Promise.all([get(`${RENDITION}/init.mp4`), get(`${RENDITION}/${n}.m4s`)]);
      return performance.now() - since;
    };
    for (const [kind, n] of /** @type {const} */ ([['cold', 0], ['seek', DEEP_SEGMENT]])) {
      times[kind].ours.push(await play(n));
      const words = await argumentsOf(name);
      if (words === null) throw new Error('the encoder is gone already');
      const [stream] = (await system.api('GET', '/api/media/streams')).data;
      if (kind === 'seek') await system.api('DELETE', `/api/media/streams/${stream.id}`, {});
      // Frozen, it takes nothing from the peer.
      const pids = await ffmpegsOf(name);
      for (const pid of pids) signal(pid, 'SIGSTOP');
      times[kind].peer.push(await bareFirstSegment(words));
      for (const pid of pids) signal(pid, 'SIGCONT');
    }
  }
  const cpus = execFileSync('nproc', { encoding: 'utf8' }).trim();
  return Object.entries(times).map(([kind, { ours, peer }]) => ({
    promise: `first 360p segment of 1080p HEVC, ${kind} (${cpus} CPUs)`, p50Ms: quantile(ours, 0.5), p95Ms: quantile(ours, 0.95), floorP50Ms: quantile(peer, 0.5), ratio: quantile(ours, 0.5) / quantile(peer, 0.5), limitMs: 1_500,
  }));
};
