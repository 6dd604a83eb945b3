/** Results that come in while something else happens to the job, and what a crash between two steps leaves. */
import { link, readFile, rename, stat, writeFile } from 'node:fs/promises';
import type { WorkOrder } from '@reelay/contracts';
import { acquireLease, expireLeases, inTransaction, type JobRow, pauseJob, readLogText, recordIntent, resumeJob, saveIntentFiles, type Sql } from '@reelay/store';
import { testJob } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FakeAgent } from '../../testing/fake-agent.ts';
import { startServers, World } from '../../testing/world.ts';
import { identifyRemovals } from './publish.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let world: World;
let agent: FakeAgent;

beforeAll(async () => {
  servers = await startServers();
});
beforeEach(async () => {
  world = await World.create(servers.nats);
  agent = await world.agent('node-a');
});
afterEach(() => world.close());
afterAll(() => servers.stop());

const media = { container: 'mp4', formatNames: ['mp4'], majorBrand: null, durationSeconds: 10, startTimeSeconds: 0, bitrateKbps: 800, sizeBytes: null, chapters: [], streams: [] };
const encoded = { kind: 'encoded', media, encoder: 'libx264' };

/** A running encode whose result is written. */
const encode = async (): Promise<{ job: JobRow; order: WorkOrder; files: { name: string; sizeBytes: number }[] }> => {
  const video = await world.video('inbox/film.mkv');
  const job = await testJob(world.sql, 'reencode_streaming', { params: { videoId: video.id } });
  await agent.say();
  const order = await agent.run(job.id);
  return { job, order, files: await agent.write(order, 'encoded') };
};
/** As a scheduler leaves it that ends before the completing transaction. */
const intend = async (sql: Sql, { jobId, epoch, outputs }: WorkOrder, files: { name: string; sizeBytes: number }[]): Promise<string> => {
  const [output] = outputs;
  const part = world.library.resolve(output?.partPath ?? '');
  const found = await stat(part, { bigint: true });
  await inTransaction(sql, (tx) => recordIntent(tx, {
    jobId, epoch, outcome: { kind: 'completed', files, result: encoded },
    files: [{
      name: 'encoded', partPath: output?.partPath ?? '', finalPath: 'playback/film.mp4', onConflict: 'rename', sizeBytes: 7,
      inode: String(found.ino), device: String(found.dev), linked: false, asidePath: null,
    }],
  }));
  return part;
};
const intents = async (): Promise<unknown[]> => [...await world.sql`select job_id from publish_intents`];
const booked = async (): Promise<number> => (await world.sql<{ n: number }[]>`select sum(slots_cpu + slots_gpu_encode)::int as n from nodes`)[0]?.n ?? -1;

it('does not lose an attempt whose lease ran out while its result was coming in', async () => {
  const leader = await world.scheduler();
  const { order, job, files } = await encode();
  const { lease } = leader.leadership;
  if (!lease) throw new Error('it does not lead');
  await leader.stop();
  const own = await acquireLease(world.sql, 'scheduler', 'test', 60_000);
  if (!own) throw new Error('the lease is taken');
  await world.sql`update jobs set lease_until = now() - interval '1 second' where id = ${job.id}`;
  // The list of what is due is read before the intent is stored, the row afterwards.
  let expired: Promise<unknown> = Promise.resolve();
  await inTransaction(world.sql, async (tx) => {
    await tx`select 1 from jobs where id = ${job.id} for update`;
    expired = expireLeases(world.sql, own, 10);
    await world.eventually(async () => {
      const waiting = await world.sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      expect(waiting).toHaveLength(1);
    });
    await tx`insert into publish_intents (job_id, epoch, outcome, files) values (${job.id}, ${order.epoch}, '{}', '[]')`;
  });
  expect(await expired).toEqual([]);
  expect((await world.job(job.id)).status).toBe('running');
  expect(files).toHaveLength(1);
});

it('withdraws the intent of an attempt that was given up, before its agent removes the part', async () => {
  const scheduler = await world.scheduler({ intentMs: 600_000 });
  const { order, job, files } = await encode();
  const part = await intend(world.sql, order, files);
  await pauseJob(world.sql, job.id, { release: true }, 'admin');
  expect(await agent.done(order, { kind: 'completed', files, result: encoded })).toBe('stale');
  expect(await intents()).toEqual([]);
  await expect(stat(part)).rejects.toThrow('ENOENT');
  // The next attempt's file may well get the inode of the part that went.
  await resumeJob(world.sql, job.id, 'admin');
  const deps = await world.deps();
  deps.hints.changed();
  const again = await agent.run(job.id, 2);
  expect(await agent.done(again, { kind: 'completed', files: await agent.write(again, 'encoded'), result: encoded })).toBe('settled');
  expect(await world.files()).toEqual(['inbox/film.mkv', 'playback/film.mp4']);
  await deps.bus.close();
  await scheduler.stop();
});

it.each(['its old place is still there', 'another file has its old place by now'])('a move that crashed after its commit: %s', async (which) => {
  const video = await world.video('inbox/film.mkv');
  const job = await testJob(world.sql, 'move_to_library', { params: { videoId: video.id, directoryType: 'films' } });
  const first = await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  const part = world.library.resolve(order.outputs[0]?.partPath ?? '');
  await link(world.library.resolve('inbox/film.mkv'), part);
  const removals = await identifyRemovals(world.library, ['inbox/film.mkv']);
  const kept = `${part}.kept`;
  await link(part, kept);
  expect(await agent.done(order, { kind: 'completed', files: [{ name: 'moved', sizeBytes: 6 }], result: { method: 'link' } })).toBe('settled');
  expect(await world.files()).not.toContain('inbox/film.mkv');
  expect(await intents()).toEqual([]);
  await first.stop();
  // What the crash leaves: the job is completed, the old name is there, and the intent says that it is to go.
  if (which.startsWith('its')) await rename(kept, world.library.resolve('inbox/film.mkv'));
  else await writeFile(world.library.resolve('inbox/film.mkv'), 'a new one');
  await world.sql`
    insert into publish_intents (job_id, epoch, outcome, files, removals)
    values (${job.id}, ${order.epoch}, ${world.sql.json({ kind: 'completed', files: [], result: {} })}, '[]', ${world.sql.json(removals.map(({ path, inode }) => ({ path, inode })))})`;
  await world.scheduler();
  await world.eventually(async () => expect(await intents()).toEqual([]));
  const left = (await world.files()).filter((path) => !path.endsWith('.kept'));
  expect(left).toEqual(which.startsWith('its') ? ['library/films/film.mkv'] : ['inbox/film.mkv', 'library/films/film.mkv']);
  expect(await readFile(world.library.resolve('library/films/film.mkv'), 'utf8')).toBe('a film');
});

it('ends a job although its last words cannot be stored as they are', async () => {
  const job = await testJob(world.sql, 'scan', { maxRetries: 0 });
  await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  await agent.log(order, 0, `cut in the middle ${'🎬'.slice(0, 1)}`, 'nul \0 byte');
  const error = { code: 'broken', message: `It broke: \0 ${'🎬'.slice(0, 1)}`, retryable: true };
  expect(await agent.done(order, { kind: 'failed', error })).toBe('settled');
  const failed = await world.until(job.id, 'failed');
  expect(failed.log).toContain('nul \uFFFD byte');
  expect(await booked()).toBe(0);
  expect(await readLogText(world.sql, job.id)).toContain('cut in the middle \uFFFD');
});

it('notes a chosen name in the intent, so that a repeat goes on where the first ended', async () => {
  const scheduler = await world.scheduler();
  const { order, job, files } = await encode();
  await scheduler.stop();
  const part = await intend(world.sql, order, files);
  await writeFile(world.library.resolve('playback/film.mp4'), 'somebody else’s');
  const [row] = await world.sql<{ files: Parameters<typeof saveIntentFiles>[3] }[]>`select files from publish_intents`;
  const [file] = row?.files ?? [];
  await saveIntentFiles(world.sql, job.id, order.epoch, file ? [{ ...file, finalPath: 'playback/film (2).mp4' }] : []);
  await link(part, world.library.resolve('playback/film (2).mp4'));
  await world.scheduler();
  await world.until(job.id, 'completed');
  expect(await world.files()).toEqual(['inbox/film.mkv', 'playback/film (2).mp4', 'playback/film.mp4']);
  expect(await readFile(world.library.resolve('playback/film.mp4'), 'utf8')).toBe('somebody else’s');
});
