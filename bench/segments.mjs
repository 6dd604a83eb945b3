// Promise: a remuxed segment that nobody asked for before, in half the time of one ffmpeg -c copy that makes the same six
// seconds in the same run (MPEG-TS and Matroska without Cues, which have no index of their own: one and a half times).
import { join } from 'node:path';
import { ffmpegPath, quantile, run, timeUntil } from './system.mjs';

const SECONDS = 120;
const SEGMENT_SECONDS = 6;
const NO_CUES = 'film without cues.mkv';

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchSegments = async (system, rounds) => {
  const film = join(system.folder, 'film.mp4');
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1920x1080:rate=24:duration=${SECONDS}`, '-f', 'lavfi', '-i', `sine=440:duration=${SECONDS}`,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '8M', '-maxrate', '8M', '-bufsize', '8M', '-g', '48', '-c:a', 'aac', film]);
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  const rows = [];
  for (const name of ['film.mp4', 'film.mkv', 'film.ts', NO_CUES]) {
    const clip = join(system.folder, name);
    // Cues are written by going back to the head.
    if (clip !== film) await run(ffmpegPath, ['-v', 'error', '-y', '-i', film, '-c', 'copy', ...(name === NO_CUES ? ['-seekable', '0'] : []), clip]);
    rows.push(await benchContainer(system, { clip, name, token, rounds: Math.min(rounds, SECONDS / SEGMENT_SECONDS - 2) }));
  }
  return rows;
};

/** @param {import('./system.mjs').BenchSystem} system @param {{ clip: string, name: string, token: string, rounds: number }} options */
const benchContainer = async (system, { clip, name, token, rounds }) => {
  const video = await system.upload(clip, name);
  await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/videos/${video.id}`)).valid === true);
  const playback = await system.api('GET', `/api/media/videos/${video.id}/playback`);
  const base = playback.masterUrl.replace(/master\.m3u8$/, '');
  const headers = { authorization: `Bearer ${token}` };
  const ours = [];
  const peer = [];
  for (let segment = 0; segment < rounds; segment += 1) {
    let since = performance.now();
    const response = await fetch(`${system.baseUrl}${base}v0/${segment}.m4s`, { headers });
    if (!response.ok) throw new Error(`segment ${segment}: ${response.status}`);
    await response.arrayBuffer();
    ours.push(performance.now() - since);
    since = performance.now();
    await run(ffmpegPath, ['-nostdin', '-v', 'error', '-y', '-ss', String(segment * SEGMENT_SECONDS), '-t', String(SEGMENT_SECONDS), '-i', clip, '-map', '0:v', '-c', 'copy', '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov', join(system.folder, 'peer.mp4')]);
    peer.push(performance.now() - since);
  }
  return {
    promise: `GET one remuxed segment (1080p, 6 s) of ${name}`, p50Ms: quantile(ours, 0.5), p95Ms: quantile(ours, 0.95), floorP50Ms: quantile(peer, 0.5),
    ratio: quantile(ours, 0.5) / quantile(peer, 0.5), limitMs: 100,
  };
};
