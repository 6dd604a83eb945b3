// Promise: the first segment of an encode costs hardly more than the encoder itself. Peer in the same run: bare ffmpeg with the
// very arguments that the node used, until its first whole segment is out of the pipe.
import { execFileSync } from 'node:child_process';
import { argumentsOf, bareFirstFragment, freshCopy, makeFilm } from './film.mjs';
import { ffmpegsOf, quantile } from './system.mjs';

const RENDITION = 'h360';
/** In the middle, where no keyframe of the source is. */
const DEEP_SEGMENT = 14;

/** @param {number} pid @param {NodeJS.Signals} name */
const signal = (pid, name) => {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
};

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchFirstSegment = async (system, rounds) => {
  const film = await makeFilm(system.folder);
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  const headers = { authorization: `Bearer ${token}` };
  /** @type {Record<'cold' | 'seek', { ours: number[], peer: number[] }>} */
  const times = { cold: { ours: [], peer: [] }, seek: { ours: [], peer: [] } };
  for (let round = 0; round < rounds; round += 1) {
    const { id, name } = await freshCopy(system, film, 'segment', round);
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
      const words = await argumentsOf(name, '-frames:v');
      if (words === null) throw new Error('the encoder is gone already');
      const [stream] = (await system.api('GET', '/api/media/streams')).data;
      if (kind === 'seek') await system.api('DELETE', `/api/media/streams/${stream.id}`, {});
      // Frozen, it takes nothing from the peer.
      const pids = await ffmpegsOf(name);
      for (const pid of pids) signal(pid, 'SIGSTOP');
      times[kind].peer.push(await bareFirstFragment(words));
      for (const pid of pids) signal(pid, 'SIGCONT');
    }
  }
  const cpus = execFileSync('nproc', { encoding: 'utf8' }).trim();
  return Object.entries(times).map(([kind, { ours, peer }]) => ({
    promise: `first 360p segment of 1080p HEVC, ${kind} (${cpus} CPUs)`, p50Ms: quantile(ours, 0.5), p95Ms: quantile(ours, 0.95), floorP50Ms: quantile(peer, 0.5), ratio: quantile(ours, 0.5) / quantile(peer, 0.5), limitMs: 1_500,
  }));
};
