/**
 * A fleet of jobs while everything is killed or stands still, in an order that its seed repeats.
 * `npm run test:long`; REELAY_CHAOS_SECONDS and REELAY_CHAOS_SEED choose another length and course.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Video } from '@reelay/contracts';
import { openDatabase, type Sql } from '@reelay/store';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { findLeftovers } from '../kit/leftovers.ts';
import { type Program, startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';

const SECONDS = Number(process.env['REELAY_CHAOS_SECONDS'] ?? 180);
const SEED = Number(process.env['REELAY_CHAOS_SEED'] ?? 1);
const OPEN_AT_ONCE = 8;
const CLIPS = 12;
const VICTIMS: readonly Program[] = ['scheduler', 'scheduler', 'scheduler', 'gateway', 'nats', 'postgres', 'node-agent'];
/** What a fault may end a job with: the cap on lost nodes, and nothing else. */
const ALLOWED: ReadonlySet<string> = new Set(['node_lost']);

let system: System;
let client: Client;
let sql: Sql;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-chaos-'));
  system = await startSystem({
    env: {
      REELAY_HEARTBEAT_SECONDS: '1', REELAY_LEASE_SECONDS: '8', REELAY_LEADER_SECONDS: '3', REELAY_SWEEP_SECONDS: '1', REELAY_RETRY_UNIT_SECONDS: '0.2',
    },
  });
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  sql = openDatabase({ url: system.environmentOf('scheduler').DATABASE_URL ?? '', applicationName: 'test', maxConnections: 2 });
});
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

/** mulberry32: the same seed, the same course. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
const pick = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
const pause = (ms: number): Promise<void> => new Promise((resolve) => {
  setTimeout(resolve, ms);
});

/** Kills a program or makes it stand still for a while, until the time is over. */
const breakThings = async (random: () => number, untilMs: number, log: string[]): Promise<void> => {
  while (performance.now() < untilMs) {
    await pause(500 + random() * 3_000);
    const victim = pick(random, VICTIMS);
    const stillMs = random() < 0.4 && victim !== 'postgres' ? 1_000 + random() * 9_000 : 0;
    log.push(`${victim} ${stillMs > 0 ? `stands still for ${Math.round(stillMs)} ms` : 'is killed'}`);
    try {
      if (stillMs === 0) await system.kill(victim, 'SIGKILL');
      else {
        const pid = system.pidOf(victim);
        process.kill(pid, 'SIGSTOP');
        await pause(stillMs);
        process.kill(pid, 'SIGCONT');
      }
    } catch {
      // It is being started just now.
    }
  }
};

const newJob = (random: () => number, videos: readonly Video[], moves: string[]): { type: Job['type']; params: Record<string, unknown> } => {
  const video = pick(random, videos);
  const roll = random();
  if (roll < 0.35) return { type: 'reencode_streaming', params: { videoId: video.id, preset: pick(random, ['ultrafast', 'medium', 'slow']) } };
  if (roll < 0.6) return { type: 'thumbnail_generate', params: { videoId: video.id } };
  if (roll < 0.8) return { type: 'validate', params: { videoId: video.id } };
  const move = moves.pop();
  return move === undefined ? { type: 'scan', params: {} } : { type: 'move_to_library', params: { videoId: move, directoryType: 'films' } };
};

/** Keeps jobs coming, and cancels, pauses and resumes some. The API may be away at any time. */
const makeWork = async (random: () => number, untilMs: number, videos: readonly Video[], moves: string[]): Promise<void> => {
  while (performance.now() < untilMs) {
    await pause(100 + random() * 300);
    try {
      const { data } = await client.jobs('?status=pending,queued,running,paused&limit=50');
      if (data.length < OPEN_AT_ONCE) await client.call('POST', '/api/media/jobs', newJob(random, videos, moves));
      const job = data.length > 0 ? pick(random, data) : null;
      if (job === null || job.type === 'move_to_library') continue;
      const roll = random();
      if (job.status === 'paused') await client.call('POST', `/api/media/jobs/${job.id}/resume`);
      else if (roll < 0.1) await client.call('POST', `/api/media/jobs/${job.id}/cancel`);
      else if (roll < 0.2) await client.call('POST', `/api/media/jobs/${job.id}/pause`, { release: random() < 0.5 });
    } catch {
      // Asked again in a moment.
    }
  }
};

it('every job ends once, and nothing stays behind', async () => {
  const random = randomFrom(SEED);
  const clip = await makeClip(join(folder, 'clip.mp4'), { seconds: 5, size: '640x360', rate: '30' });
  const uploads = [];
  for (let n = 0; n < CLIPS; n += 1) uploads.push((await client.upload(clip, `clip ${n}.mp4`)).body);
  const videos = await Promise.all(uploads.map(({ id }) => client.untilVideo(id, ({ thumbnailPath }) => thumbnailPath !== null, 120_000)));
  const untilMs = performance.now() + SECONDS * 1000;
  const faults: string[] = [];
  await Promise.all([
    breakThings(randomFrom(SEED + 1), untilMs, faults),
    makeWork(random, untilMs, videos.slice(0, 4), videos.slice(4).map(({ id }) => id)),
  ]);
  await vi.waitFor(async () => {
    const { data } = await client.jobs('?status=pending,queued,running,paused');
    for (const { id, status } of data) if (status === 'paused') await client.ok('POST', `/api/media/jobs/${id}/resume`);
    expect(data.map(({ id, type, status, waitingReason }) => ({ id, type, status, waitingReason }))).toEqual([]);
  }, { timeout: 180_000, interval: 500 });
  await vi.waitFor(async () => expect(await findLeftovers(system, sql), faults.join('\n')).toEqual([]), { timeout: 60_000, interval: 500 });
  const ends = await sql<{ status: string; code: string | null; n: number; most: number }[]>`
    select status, error_code as code, count(*)::int as n, max(epoch) as most from jobs group by 1, 2 order by 1, 2`;
  console.log(`${faults.length} faults;`, ends.map(({ status, code, n, most }) => `${n} ${status}${code === null ? '' : ` (${code})`}, at most ${most} attempts`).join('; '));
  expect(ends.filter(({ status, code }) => status === 'failed' && !ALLOWED.has(code ?? ''))).toEqual([]);
}, (SECONDS + 400) * 1000);
