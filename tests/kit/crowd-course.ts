/** One course of a crowd on a system of its own, from the first viewer to the proof that nothing is left. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@reelay/store';
import { Station } from '../conformance/station.ts';
import { Figures } from '../long/torture/figures.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';
import { Crowd, crowdLeftovers, descriptorCounts } from './crowd.ts';
import { untilEmpty } from './eventually.ts';
import { stubbornFfmpeg } from './fake-tools.ts';
import { Randomness } from './random.ts';

export interface CourseOptions {
  seed: number;
  viewers: number;
  atOnce: number;
  /** Ends the streams of segments by hand, instead of waiting the minute until they end by themselves. */
  endByHand: boolean;
}

const STALL_SECONDS = 3;
const TOKENS = 4;
const FILM_SECONDS = 180;
/** Heads end 30 s after the last request, the stream 20 s later. */
const LEFT_MS = 100_000;
/** Pools of connections grow with the load and stay: they are no leak until they are more than their limits. */
const MAY_GROW = /socket|anon_inode/;
const POOLS = 40;

/** Plays the course. Returns what was wrong, one line each; the figures are printed. */
export async function playCourse({ seed, viewers, atOnce, endByHand }: CourseOptions): Promise<string[]> {
  const startedMs = performance.now();
  const figures = new Figures();
  const tools = await mkdtemp(join(tmpdir(), 'reelay-tools-'));
  const station = await Station.start({ env: { FFMPEG_PATH: await stubbornFfmpeg(tools), REELAY_STALL_TIMEOUT_SECONDS: String(STALL_SECONDS), MAX_CONCURRENT_TRANSCODES: '8' } });
  const { system } = station;
  const sql = openDatabase({ url: system.environmentOf('scheduler')['DATABASE_URL'] ?? '', applicationName: 'test', maxConnections: 1 });
  try {
    const clip = await makeClip(station.at('film.mkv'), { seconds: FILM_SECONDS, codecs: ['-c:v', 'mpeg2video', '-q:v', '8', '-g', '25', '-bf', '0', '-c:a', 'pcm_s16le'] });
    const film = await station.film(clip);
    const tokens = await Promise.all(Array.from({ length: TOKENS }, async () => {
      const client = new Client(system.baseUrl);
      await client.login('admin', system.adminPassword);
      return client.token;
    }));
    const crowd = new Crowd({
      system, random: new Randomness(seed), figures, viewers, atOnce, tokens, stallMs: STALL_SECONDS * 1_000,
      film: { videoId: film.video.id, masterUrl: film.encodedUrl ?? '', durationSeconds: FILM_SECONDS, segments: FILM_SECONDS / 2 },
    });
    const before = descriptorCounts(system);
    await crowd.run();
    if (endByHand) for (const { id, kind } of (await station.streams()).data) if (kind === 'segments') await station.client.call('DELETE', `/api/media/streams/${id}`);
    const goneMs = performance.now();
    const left = await untilEmpty(() => crowdLeftovers(system, sql, () => station.streams()), LEFT_MS);
    figures.took('last viewer gone to nothing left', performance.now() - goneMs);
    const open = await untilEmpty(() => Promise.resolve(grown(before, descriptorCounts(system))), 20_000);
    for (const [what, count] of Object.entries(descriptorCounts(system)).filter(([what]) => MAY_GROW.test(what))) figures.count(`descriptors, after (before): ${what}`, String(before[what] ?? 0), count);
    return figures.found([...crowd.wrong, ...left, ...open]) as string[];
  } finally {
    figures.write('viewers', seed, performance.now() - startedMs);
    await sql.end({ timeout: 1 });
    await station.stop();
    await rm(tools, { recursive: true, force: true });
  }
}

function grown(before: Record<string, number>, after: Record<string, number>): string[] {
  return Object.entries(after)
    .filter(([what, count]) => count > (before[what] ?? 0) + (MAY_GROW.test(what) ? POOLS : 0))
    .map(([what, count]) => `descriptors of ${what}: ${before[what] ?? 0} before, ${count} after`);
}
