// Promise: a remuxed segment in tens of milliseconds. Peer in the same run: one ffmpeg -c copy for the same six seconds.
import { join } from 'node:path';
import { ffmpegPath, quantile, run, timeUntil } from './system.mjs';

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchSegments = async (system, rounds) => {
  const clip = join(system.folder, 'film.mkv');
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=24:duration=120', '-f', 'lavfi', '-i', 'sine=440:duration=120',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '8M', '-g', '48', '-c:a', 'aac', clip]);
  const video = await system.upload(clip, 'film.mkv');
  await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/videos/${video.id}`)).valid === true);
  const playback = await system.api('GET', `/api/media/videos/${video.id}/playback`);
  const base = playback.masterUrl.replace(/master\.m3u8$/, '');
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  const headers = { authorization: `Bearer ${token}` };
  const ours = [];
  const peer = [];
  for (let n = 0; n < rounds; n += 1) {
    const segment = n % 18;
    let since = performance.now();
    const response = await fetch(`${system.baseUrl}${base}v0/${segment}.m4s`, { headers });
    if (!response.ok) throw new Error(`segment ${segment}: ${response.status}`);
    await response.arrayBuffer();
    ours.push(performance.now() - since);
    since = performance.now();
    await run(ffmpegPath, ['-nostdin', '-v', 'error', '-y', '-ss', String(segment * 6), '-t', '6', '-i', clip, '-map', '0:v', '-c', 'copy', '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov', join(system.folder, 'peer.mp4')]);
    peer.push(performance.now() - since);
  }
  return [{ promise: 'GET one remuxed segment (1080p, 6 s)', p50Ms: quantile(ours, 0.5), p95Ms: quantile(ours, 0.95), floorP50Ms: quantile(peer, 0.5), ratio: quantile(ours, 0.5) / quantile(peer, 0.5), limitMs: 100 }];
};
