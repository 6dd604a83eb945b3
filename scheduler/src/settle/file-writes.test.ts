/** Moves and replacements meet those who use the file. */
import { link, readFile, stat } from 'node:fs/promises';
import type { WorkOrder } from '@reelay/contracts';
import { newId } from '@reelay/runtime';
import { dropReads, endWrite, filesOf, findVideo, type JobRow, readHolders, readLogText, requestCancel, requestWrite, takeRead, videoFile, type VideoRow } from '@reelay/store';
import { testJob } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FakeAgent } from '../../testing/fake-agent.ts';
import { startServers, World } from '../../testing/world.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let world: World;
let agent: FakeAgent;
const GATEWAY = { id: newId(), name: 'a' };

beforeAll(async () => {
  servers = await startServers();
});
beforeEach(async () => {
  world = await World.create(servers.nats);
  agent = await world.agent('node-a');
});
afterEach(async () => {
  const left = await world.sql`select file from file_reads union all select action from file_writes`;
  await world.close();
  expect(left).toEqual([]);
});
afterAll(() => servers.stop());

const play = async (video: VideoRow): Promise<string> => {
  const counts = { viewers: ['ann'], streams: 1, downloads: 0, sessions: 0 };
  return (await takeRead(world.sql, { videoId: video.id, gateway: GATEWAY, viewer: 'ann', counts, leaseMs: 600_000 })).kind;
};
const stopPlaying = (video: VideoRow) => dropReads(world.sql, GATEWAY.id, [videoFile(video.id)]);
const move = (video: VideoRow, params: Record<string, unknown> = {}, maxRetries = 0): Promise<JobRow> =>
  testJob(world.sql, 'move_to_library', { params: { videoId: video.id, directoryType: 'films', ...params }, maxRetries });
/** Links the part, as the agent of a move does. */
const linkPart = async (order: WorkOrder): Promise<void> => {
  const [input, output] = [order.inputs[0]?.path ?? '', order.outputs[0]?.partPath ?? ''];
  await link(world.library.resolve(input), world.library.resolve(output));
};
const done = (order: WorkOrder) => agent.done(order, { kind: 'completed', files: [{ name: 'moved', sizeBytes: 6 }], result: { method: 'link' } });
const waiting = () => world.eventually(async () => expect(await world.sql`select 1 from file_writes where state = 'waiting'`).toHaveLength(1));
const path = async (video: VideoRow): Promise<string | undefined> => (await findVideo(world.sql, video.id))?.path;

it('an attempt reads what its order names from the order on, and no more when its result is told', async () => {
  const video = await world.video('inbox/film.mkv');
  const job = await testJob(world.sql, 'validate', { params: { videoId: video.id } });
  await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  expect(await readHolders(world.sql, { files: filesOf(video) })).toMatchObject([{ kind: 'job', jobId: job.id, epoch: order.epoch }]);
  await agent.done(order, { kind: 'failed', error: { code: 'x', message: 'x', retryable: false } });
  expect(await readHolders(world.sql, { files: filesOf(video) })).toEqual([]);
});

it('an order waits for a writer, and names the place where the file is then', async () => {
  const video = await world.video('inbox/film.mkv');
  const writer = await requestWrite(world.sql, { files: filesOf(video), action: 'rename', actor: 'x' }, { wait: false, leaseMs: 600_000 });
  if (writer.kind !== 'held') throw new Error('not held');
  const job = await testJob(world.sql, 'thumbnail_generate', { params: { videoId: video.id } });
  await world.scheduler();
  await agent.say();
  await world.until(job.id, 'queued');
  await link(world.library.resolve('inbox/film.mkv'), world.library.resolve('inbox/other.mkv'));
  await world.sql`update videos set path = 'inbox/other.mkv' where id = ${video.id}`;
  expect(agent.orders).toEqual([]);
  await endWrite(world.sql, writer.ticket);
  expect((await agent.order(job.id)).inputs).toMatchObject([{ path: 'inbox/other.mkv' }]);
});

it('a move waits for the viewers, says so, and goes on when the last has left', async () => {
  const video = await world.video('inbox/film.mkv');
  const job = await move(video);
  await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  expect(await play(video)).toBe('held');
  await linkPart(order);
  const verdict = done(order);
  await waiting();
  await world.eventually(async () => expect((await world.job(job.id)).statusMessage).toBe('Waiting at most 60 s until nobody uses the file: it is played by 1 viewer on gateway a'));
  expect(await path(video)).toBe('inbox/film.mkv');
  await stopPlaying(video);
  expect(await verdict).toBe('settled');
  expect(await path(video)).toBe('library/films/film.mkv');
  expect(await world.files()).toEqual(['library/films/film.mkv']);
  expect(await readLogText(world.sql, job.id)).toContain('Waiting at most 60 s');
});

it('a move that may not wait fails with who is in the way, and takes nothing along', async () => {
  const video = await world.video('inbox/film.mkv');
  const job = await move(video, { waitSeconds: 0 });
  await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  await play(video);
  await linkPart(order);
  expect(await done(order)).toBe('settled');
  const failed = await world.until(job.id, 'failed');
  expect([failed.errorCode, failed.errorMessage]).toEqual(['file_in_use', 'The file is in use: played by 1 viewer on gateway a']);
  expect(await world.files()).toEqual(['inbox/film.mkv']);
  await stopPlaying(video);
});

it('a cancel wins over a move that waits', async () => {
  const video = await world.video('inbox/film.mkv');
  const job = await move(video);
  await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  await play(video);
  await linkPart(order);
  const verdict = done(order);
  await waiting();
  await requestCancel(world.sql, job.id, 'admin');
  expect(await verdict).toBe('settled');
  expect((await world.job(job.id)).status).toBe('cancelled');
  expect(await world.files()).toEqual(['inbox/film.mkv']);
  await stopPlaying(video);
});

it('two moves of one file are not in each other’s way', async () => {
  const video = await world.video('inbox/film.mkv');
  const jobs = [await move(video), await move(video, { directoryType: 'others' })];
  await world.scheduler();
  await agent.say();
  const orders = await Promise.all(jobs.map((job) => agent.run(job.id)));
  await Promise.all(orders.map(linkPart));
  expect(await Promise.all(orders.map(done))).toEqual(['settled', 'settled']);
  const place = await path(video);
  expect(await world.files()).toEqual([place]);
  expect(await readFile(world.library.resolve(place ?? ''), 'utf8')).toBe('a film');
});

it('a replaced video that is played is waited for; replaced, it lies in the trash and is no holder’s', async () => {
  const [video, other] = [await world.video('inbox/film.mkv'), await world.video('library/films/film.mkv', 'the older')];
  const job = await move(video, { onConflict: 'replace' });
  await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  await play(other);
  await linkPart(order);
  const verdict = done(order);
  await waiting();
  expect(await readFile(world.library.resolve('library/films/film.mkv'), 'utf8')).toBe('the older');
  await stopPlaying(other);
  expect(await verdict).toBe('settled');
  expect(await readFile(world.library.resolve('library/films/film.mkv'), 'utf8')).toBe('a film');
  const [trashed] = await world.sql<{ trashPath: string }[]>`select trash_path from videos where id = ${other.id} and deleted_at is not null`;
  expect(await readFile(world.library.resolve(trashed?.trashPath ?? ''), 'utf8')).toBe('the older');
});

it('what a scheduler had alone when it died stays so until its publishing is repeated', async () => {
  const video = await world.video('inbox/film.mkv');
  const job = await move(video);
  const first = await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  await first.stop();
  await linkPart(order);
  const part = world.library.resolve(order.outputs[0]?.partPath ?? '');
  const found = await stat(part, { bigint: true });
  // As it leaves them: the lock, long over, and the intent.
  await world.sql`update attempts set reads = '{}'`;
  await requestWrite(world.sql, { files: filesOf(video), action: 'move', actor: 'x', attempt: order }, { wait: false, leaseMs: 1 });
  await world.sql`update file_writes set lease_until = now() - interval '1 hour', state = 'held'`;
  const files = [{ name: 'moved', partPath: order.outputs[0]?.partPath, finalPath: 'library/films/film.mkv', onConflict: 'rename', sizeBytes: 6, inode: String(found.ino), device: String(found.dev), linked: true, asidePath: null }];
  await world.sql`
    insert into publish_intents (job_id, epoch, outcome, files)
    values (${job.id}, ${order.epoch}, ${world.sql.json({ kind: 'completed', files: [{ name: 'moved', sizeBytes: 6 }], result: { method: 'link' } })}, ${world.sql.json(JSON.parse(JSON.stringify(files)))})`;
  expect(await play(video)).toBe('blocked');
  await world.scheduler();
  await world.until(job.id, 'completed');
  expect(await path(video)).toBe('library/films/film.mkv');
  await world.eventually(async () => expect(await world.sql`select 1 from publish_intents`).toHaveLength(0));
  expect(await play(video)).toBe('held');
  await stopPlaying(video);
});
