// Promise: the film in one piece begins at most 0.6 s after ffmpeg's own first fragment. Peer in the same run: bare ffmpeg with
// the very arguments that the node used.
import { argumentsOf, bareFirstFragment, firstFragment, freshCopy, makeFilm } from './film.mjs';
import { quantile, timeUntil } from './system.mjs';

const LATER_SECONDS = 31.7;
const LIMIT_MS = 600;

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchLiveFilm = async (system, rounds) => {
  const film = await makeFilm(system.folder);
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  /** @type {Record<'cold' | 'later', { ours: number[], peer: number[] }>} */
  const times = { cold: { ours: [], peer: [] }, later: { ours: [], peer: [] } };
  for (let round = 0; round < rounds; round += 1) {
    const { id, name } = await freshCopy(system, film, 'live', round);
    for (const [kind, start] of /** @type {const} */ ([['cold', 0], ['later', LATER_SECONDS]])) {
      const end = new AbortController();
      const since = performance.now();
      const answer = await fetch(`${system.baseUrl}/api/media/videos/${id}/live.mp4?start=${start}&height=360`, { headers: { authorization: `Bearer ${token}` }, signal: end.signal });
      if (!answer.ok || answer.body === null) throw new Error(`live.mp4: ${answer.status} ${await answer.text()}`);
      const isThere = firstFragment();
      // Left open: the encoder would go with it.
      const reader = answer.body.getReader();
      for (let value = (await reader.read()).value; value !== undefined && !isThere(value); value = (await reader.read()).value);
      times[kind].ours.push(performance.now() - since);
      const words = await argumentsOf(name, '-frag_duration');
      if (words === null) throw new Error('the encoder is gone already');
      end.abort();
      await timeUntil(performance.now(), async () => (await system.api('GET', '/api/media/streams')).data.length === 0);
      times[kind].peer.push(await bareFirstFragment(words));
    }
  }
  return Object.entries(times).map(([kind, { ours, peer }]) => ({
    promise: `live.mp4 of 1080p HEVC at 360p, ${kind}: over ffmpeg’s own`, p50Ms: quantile(ours.map((ms, n) => ms - (peer[n] ?? 0)), 0.5), p95Ms: quantile(ours.map((ms, n) => ms - (peer[n] ?? 0)), 0.95),
    floorP50Ms: quantile(peer, 0.5), ratio: quantile(ours, 0.5) / quantile(peer, 0.5), limitMs: LIMIT_MS,
  }));
};
