// Promise: from POST /api/media/jobs to ffmpeg running p50 ≤ 150 ms on an idle system; cancel: ffmpeg gone ≤ 500 ms.
// Floor in the same run: starting and ending the same ffmpeg by hand.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ffmpegPath, ffmpegsOf, quantile, run, timeUntil } from './system.mjs';

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchJobs = async (system, rounds) => {
  const clip = join(system.folder, 'long.mp4');
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30:duration=60', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', clip]);
  const video = await system.upload(clip, 'long.mp4');
  await timeUntil(performance.now(), async () => {
    const { data } = await system.api('GET', '/api/media/jobs?status=pending,queued,running');
    return data.length === 0;
  });
  /** @type {{ start: number[], cancel: number[], floorStart: number[], floorEnd: number[] }} */
  const times = { start: [], cancel: [], floorStart: [], floorEnd: [] };
  for (let round = 0; round < rounds; round += 1) {
    const floorTag = `floor-${round}-${process.pid}`;
    let since = performance.now();
    const child = spawn(ffmpegPath, ['-nostdin', '-v', 'error', '-y', '-i', clip, '-c:v', 'libx264', '-preset', 'slow', '-f', 'mp4', join(system.folder, `${floorTag}.mp4`)], { stdio: 'ignore' });
    times.floorStart.push(await timeUntil(since, async () => (await ffmpegsOf(floorTag)).length > 0));
    since = performance.now();
    child.kill('SIGTERM');
    times.floorEnd.push(await timeUntil(since, async () => (await ffmpegsOf(floorTag)).length === 0));

    since = performance.now();
    const job = await system.api('POST', '/api/media/jobs', { type: 'reencode_streaming', params: { videoId: video.id, preset: 'slow' } });
    times.start.push(await timeUntil(since, async () => (await ffmpegsOf(job.id)).length > 0));
    await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/jobs/${job.id}`)).progress > 0);
    since = performance.now();
    const cancelled = system.api('POST', `/api/media/jobs/${job.id}/cancel`);
    times.cancel.push(await timeUntil(since, async () => (await ffmpegsOf(job.id)).length === 0));
    await cancelled;
  }
  return [row('POST job → ffmpeg running', times.start, times.floorStart, 150), row('POST cancel → ffmpeg gone', times.cancel, times.floorEnd, 500)];
};

/** @param {string} promise @param {number[]} ours @param {number[]} floor @param {number} limitMs */
const row = (promise, ours, floor, limitMs) => ({
  promise, p50Ms: quantile(ours, 0.5), p95Ms: quantile(ours, 0.95), floorP50Ms: quantile(floor, 0.5), ratio: quantile(ours, 0.5) / quantile(floor, 0.5), limitMs,
});
