import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { partName } from '@reelay/runtime';
import {
  acquireLease, commitPlacements, inTransaction, type JobRow, readLogText, recordIntent, registerNode, requestCancel, type VideoRow,
} from '@reelay/store';
import { testHello, testJob } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeAgent } from '../testing/fake-agent.ts';
import { startServers, World } from '../testing/world.ts';

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

const media = (over: object = {}): Record<string, unknown> => ({
  container: 'mp4', formatNames: ['mp4'], majorBrand: null, durationSeconds: 10, startTimeSeconds: 0, bitrateKbps: 800, sizeBytes: null, chapters: [],
  streams: [], ...over,
});
const encoded = { kind: 'encoded', media: media(), encoder: 'libx264' };

/** A re-encode job of a new video. */
const encodeJob = async (): Promise<{ job: JobRow; video: VideoRow }> => {
  const video = await world.video('inbox/film.mkv');
  return { video, job: await testJob(world.sql, 'reencode_streaming', { params: { videoId: video.id } }) };
};
const booked = async (): Promise<number> => (await world.sql<{ n: number }[]>`select sum(slots_cpu + slots_gpu_encode)::int as n from nodes`)[0]?.n ?? -1;

describe('a job', () => {
  it('is offered, runs, is published, and makes the next ones', async () => {
    const { job, video } = await encodeJob();
    await world.scheduler();
    await agent.say();
    const order = await agent.order(job.id);
    expect(order).toMatchObject({
      epoch: 1, category: 'gpu_encode', vramMb: 4000, deviceId: 'software', timeLimitMs: 86_400_000,
      inputs: [{ path: 'inbox/film.mkv', sizeBytes: 6 }],
      outputs: [{ path: 'playback/film.mp4', partPath: partName('playback/film.mp4', job.id, 1), onConflict: 'rename' }],
      order: { videoId: video.id, targetBitrate: 2000, crf: 23, preset: 'medium' },
    });
    expect(await agent.started(order)).toBe(true);
    await agent.log(order, 0, 'Starting re-encode job', 'FFmpeg command: ffmpeg');
    agent.progress(order, 42.7);
    await world.until(job.id, 'running', ({ progress }) => progress === 42);
    const files = await agent.write(order, 'encoded');
    expect(await agent.done(order, { kind: 'completed', files, result: encoded })).toBe('settled');
    const done = await world.job(job.id);
    expect(done).toMatchObject({ status: 'completed', progress: 100, params: { inputPath: 'inbox/film.mkv', outputPath: 'playback/film.mp4' } });
    expect(done.log).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] Starting re-encode job\n.*FFmpeg command: ffmpeg\n.*Encoded with libx264; added to the library as playback\/film\.mp4$/);
    expect(await world.files()).toEqual(['inbox/film.mkv', 'playback/film.mp4']);
    const [made] = await world.sql<VideoRow[]>`select * from videos where path = 'playback/film.mp4'`;
    expect(made).toMatchObject({ title: 'Film', sourceVideoId: video.id, valid: true, sizeBytes: 7, durationSeconds: 10 });
    expect(await world.sql`select reencode_job_id from videos where id = ${video.id}`).toEqual([{ reencodeJobId: job.id }]);
    const validate = await world.sql<JobRow[]>`select * from jobs where type = 'validate'`;
    expect(validate).toMatchObject([{ params: { videoId: made?.id } }]);
    await agent.order(validate[0]?.id ?? '');
  });

  it('is offered within moments of being created on an idle system', async () => {
    const scheduler = await world.scheduler({ sweepMs: 60_000 });
    await agent.say();
    expect(scheduler.leadership.lease).not.toBeNull();
    const { job } = await encodeJob();
    const deps = await world.deps();
    deps.hints.changed();
    await agent.order(job.id);
    await deps.bus.close();
  });

  it('gives its output another name when the one wanted is taken', async () => {
    const { job } = await encodeJob();
    await mkdir(world.library.resolve('playback'), { recursive: true });
    await writeFile(world.library.resolve('playback/film.mp4'), 'somebody else’s');
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    await agent.done(order, { kind: 'completed', files: await agent.write(order, 'encoded'), result: encoded });
    expect(await world.job(job.id)).toMatchObject({ status: 'completed', params: { outputPath: 'playback/film (2).mp4' } });
    expect(await readFile(world.library.resolve('playback/film.mp4'), 'utf8')).toBe('somebody else’s');
  });

  it('that cannot be prepared fails with the reason and is not offered', async () => {
    const video = await world.video('inbox/gone.mkv');
    await rm(world.library.resolve('inbox/gone.mkv'));
    await world.scheduler();
    await agent.say();
    const job = await testJob(world.sql, 'reencode_streaming', { params: { videoId: video.id } });
    expect(await world.until(job.id, 'failed')).toMatchObject({ errorCode: 'file_not_found', retryCount: 0 });
    expect(agent.orders).toEqual([]);
    expect(await booked()).toBe(0);
  });

  it('that fails waits, runs again, and fails for good when its retries are used up', async () => {
    const job = await testJob(world.sql, 'scan', { maxRetries: 1 });
    await world.scheduler();
    await agent.say();
    const error = { code: 'broken', message: 'It broke', retryable: true };
    expect(await agent.done(await agent.run(job.id), { kind: 'failed', error })).toBe('settled');
    const again = await agent.run(job.id, 2);
    expect(again.epoch).toBe(2);
    await agent.done(again, { kind: 'failed', error });
    expect(await world.job(job.id)).toMatchObject({ status: 'failed', retryCount: 1, errorCode: 'broken' });
    expect(await readLogText(world.sql, job.id)).toBe('--- ERROR ---\nIt broke\n--- RETRY ATTEMPT 1 ---\n--- ERROR ---\nIt broke');
  });

  it('that its agent gives back runs again at no cost', async () => {
    const job = await testJob(world.sql, 'scan');
    await world.scheduler();
    await agent.say();
    await agent.done(await agent.run(job.id), { kind: 'released', reason: 'the agent stops' });
    const again = await agent.order(job.id, 2);
    expect(again.epoch).toBe(2);
    expect(await world.job(job.id)).toMatchObject({ retryCount: 0, lostCount: 0 });
  });

  it('given back by an agent that ends is not offered to it again, but to its next start at once', async () => {
    const jobs = [await testJob(world.sql, 'scan'), await testJob(world.sql, 'scan')];
    await world.scheduler();
    await agent.say();
    for (const job of jobs) await agent.done(await agent.run(job.id), { kind: 'released', reason: 'the node stops', cause: 'shutdown' });
    await world.eventually(async () => expect((await world.sql`select 1 from waiting_verdicts where reason like '%its agent stops%'`).length).toBe(1));
    // An order that is not started soon is sent again as it was, which is no second attempt.
    expect([new Set(agent.orders.map(({ jobId }) => jobId)), agent.orders.filter(({ epoch }) => epoch > 1)]).toEqual([new Set(jobs.map(({ id }) => id)), []]);
    await agent.say();
    for (const job of jobs) await world.eventually(() => expect(agent.orders.findLast(({ jobId }) => jobId === job.id)?.epoch).toBe(2));
  });

  it('waits with a reason while there is nobody to run it', async () => {
    const job = await testJob(world.sql, 'scan');
    await world.scheduler();
    const reason = (): Promise<string | undefined> => world.sql<{ reason: string }[]>`
      select v.reason from waiting_verdicts v join jobs j using (requirement_class) where j.id = ${job.id}`.then((rows) => rows[0]?.reason);
    await world.eventually(async () => expect(await reason()).toBe('No node is connected'));
    await agent.say();
    await agent.run(job.id);
    await world.eventually(async () => expect(await reason()).toBeUndefined());
  });
});

describe('offers', () => {
  it('whose reply is lost are repeated with the same epoch and the same order', async () => {
    let silent = true;
    agent.answer = () => (silent ? 'silence' : { accepted: true });
    const job = await testJob(world.sql, 'scan');
    await world.scheduler();
    await agent.say();
    const first = await agent.order(job.id);
    silent = false;
    const second = await agent.order(job.id, 2);
    expect(second).toEqual(first);
    expect(await agent.started(second)).toBe(true);
    await world.until(job.id, 'running');
  });

  it('that are refused go elsewhere', async () => {
    agent.answer = () => ({ accepted: false, code: 'no_slot', detail: 'busy with a session' });
    const job = await testJob(world.sql, 'scan');
    await world.scheduler();
    await agent.say();
    await agent.order(job.id);
    const other = await world.agent('node-b');
    await other.say();
    const order = await other.run(job.id);
    expect(order.epoch).toBe(2);
    expect(agent.orders).toHaveLength(1);
    expect(await booked()).toBe(1);
  });

  it('to an agent that is gone free the job at once', async () => {
    const job = await testJob(world.sql, 'scan');
    await registerNode(world.sql, 'node-z', testHello({ libraryId: world.libraryId }));
    await world.scheduler();
    await world.eventually(async () => {
      const [attempt] = await world.sql<{ outcome: string; errorCode: string }[]>`select outcome, error_code from attempts where job_id = ${job.id}`;
      expect(attempt).toEqual({ outcome: 'refused', errorCode: 'no_responders' });
    });
    expect(await world.job(job.id)).toMatchObject({ lostCount: 0, retryCount: 0 });
  });

  it('that the scheduler never sent, because it died after the commit, are sent by the next leader', async () => {
    const job = await testJob(world.sql, 'scan');
    const { node } = await registerNode(world.sql, 'node-a', agent.hello);
    const lease = await acquireLease(world.sql, 'scheduler', 'died', 300);
    if (!lease) throw new Error('no lease');
    await commitPlacements(world.sql, lease, [{ jobId: job.id, nodeId: 'node-a', incarnation: node.incarnation, deviceId: 'software' }], 30_000);
    await world.scheduler({ leaderTtlMs: 500 });
    const order = await agent.run(job.id);
    expect(order.epoch).toBe(1);
    await world.until(job.id, 'running');
  });
});

describe('the end of an attempt', () => {
  it('is told once, however often it is said', async () => {
    const { job } = await encodeJob();
    await world.scheduler();
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    const outcome = { kind: 'completed' as const, files: await agent.write(order, 'encoded'), result: encoded };
    const verdicts = await Promise.all([agent.done(order, outcome), agent.done(order, outcome), agent.done(order, outcome)]);
    expect(verdicts).toEqual(['settled', 'settled', 'settled']);
    expect(await agent.done(order, outcome)).toBe('settled');
    expect(await world.files()).toEqual(['inbox/film.mkv', 'playback/film.mp4']);
    expect(await world.sql`select count(*)::int as n from videos where path like 'playback/%'`).toEqual([{ n: 1 }]);
    expect(await world.sql`select count(*)::int as n from audit where event = 'complete'`).toEqual([{ n: 1 }]);
    expect(await world.sql`select 1 from publish_intents`).toEqual([]);
  });

  it('of a stale epoch changes nothing', async () => {
    const { job } = await encodeJob();
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    await world.silence('node-a');
    await world.until(job.id, 'pending', ({ lostCount }) => lostCount === 1);
    const files = await agent.write(order, 'of a zombie');
    expect(await agent.done(order, { kind: 'completed', files, result: encoded })).toBe('stale');
    expect(await agent.started(order)).toBe(false);
    expect((await world.files()).filter((path) => path.startsWith('playback/') && !path.endsWith('.part'))).toEqual([]);
    expect((await world.job(job.id)).status).not.toBe('completed');
  });

  it('is not believed when the part has another size, or is not there', async () => {
    const { job } = await encodeJob();
    await world.scheduler({ retryUnitMs: 60_000 });
    await agent.say();
    const order = await agent.run(job.id);
    const [file] = await agent.write(order, 'encoded');
    expect(await agent.done(order, { kind: 'completed', files: [{ name: file?.name ?? '', sizeBytes: 99 }], result: encoded })).toBe('settled');
    expect(await world.job(job.id)).toMatchObject({ status: 'pending', retryCount: 1, errorCode: 'part_size' });
    expect(await world.files()).toEqual(['inbox/film.mkv']);
  });

  it('takes its files back when its result cannot be applied', async () => {
    const { job } = await encodeJob();
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    expect(await agent.done(order, { kind: 'completed', files: await agent.write(order, 'encoded'), result: { kind: 'nonsense' } })).toBe('settled');
    expect(await world.job(job.id)).toMatchObject({ status: 'failed', errorCode: 'message_invalid' });
    expect(await world.files()).toEqual(['inbox/film.mkv']);
    expect(await world.sql`select 1 from publish_intents`).toEqual([]);
  });

  it('lets a cancel win that came before it, and wins over one that came after', async () => {
    const { job } = await encodeJob();
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    const files = await agent.write(order, 'encoded');
    await requestCancel(world.sql, job.id, 'admin');
    expect(await agent.done(order, { kind: 'completed', files, result: encoded })).toBe('settled');
    expect((await world.job(job.id)).status).toBe('cancelled');
    expect(await world.files()).toEqual(['inbox/film.mkv']);

    const other = await testJob(world.sql, 'scan');
    const scan = await agent.run(other.id);
    const result = { found: 0, known: 0, created: 0, updated: 0, invalid: 0 };
    const [verdict, cancel] = await Promise.all([agent.done(scan, { kind: 'completed', files: [], result }), requestCancel(world.sql, other.id, 'admin')]);
    expect(verdict).toBe('settled');
    const { status } = await world.job(other.id);
    expect(status).toBe(cancel.kind === 'refused' ? 'completed' : 'cancelled');
    expect(await booked()).toBe(0);
  });

  it('of a cancelled attempt is cancelled; a stop nobody asked for is a requeue', async () => {
    const [asked, unasked] = [await testJob(world.sql, 'scan'), await testJob(world.sql, 'scan')];
    await world.scheduler();
    await agent.say();
    const order = await agent.run(asked.id);
    await requestCancel(world.sql, asked.id, 'admin');
    await agent.done(order, { kind: 'cancelled' });
    expect(await world.job(asked.id)).toMatchObject({ status: 'cancelled', log: '--- JOB CANCELLED BY ADMIN ---' });
    await agent.done(await agent.run(unasked.id), { kind: 'cancelled' });
    await agent.order(unasked.id, 2);
  });
});

/** What a scheduler leaves that dies between link(2) and the commit. */
const leaveIntent = async (published: boolean): Promise<{ job: JobRow; part: string; final: string }> => {
  const { job } = await encodeJob();
  const first = await world.scheduler();
  await agent.say();
  const order = await agent.run(job.id);
  const [file] = await agent.write(order, 'encoded');
  await first.stop();
  const [output] = order.outputs;
  const [part, final] = [world.library.resolve(output?.partPath ?? ''), world.library.resolve('playback/film.mp4')];
  const found = await stat(part, { bigint: true });
  await inTransaction(world.sql, (tx) => recordIntent(tx, {
    jobId: job.id, epoch: 1, outcome: { kind: 'completed', files: file ? [file] : [], result: encoded },
    files: [{
      name: 'encoded', partPath: output?.partPath ?? '', finalPath: 'playback/film.mp4', onConflict: 'rename', sizeBytes: 7,
      inode: String(found.ino), device: String(found.dev), linked: false, asidePath: null,
    }],
  }));
  if (published) await link(part, final);
  return { job, part, final };
};

describe('recovery', () => {
  it.each([['before', false], ['after', true]])('ends a publishing that was cut off %s the link', async (_when, published) => {
    const { job } = await leaveIntent(published);
    await world.scheduler();
    await world.until(job.id, 'completed');
    expect(await world.files()).toEqual(['inbox/film.mkv', 'playback/film.mp4']);
    expect(await world.sql`select count(*)::int as n from videos where path like 'playback/%'`).toEqual([{ n: 1 }]);
    expect(await world.sql`select 1 from publish_intents`).toEqual([]);
  });

  it('takes back what was published for a job that moved on', async () => {
    const { job } = await leaveIntent(true);
    await world.sql`update jobs set status = 'pending', node_id = null, lease_until = null, excluded_nodes = '{}', retry_after = now() + interval '1 hour' where id = ${job.id}`;
    await world.scheduler();
    await world.eventually(async () => expect(await world.sql`select 1 from publish_intents`).toEqual([]));
    await world.eventually(async () => expect(await world.files()).toEqual(['inbox/film.mkv']));
  });

  it('removes parts of dead attempts and nothing else', async () => {
    const { job } = await encodeJob();
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    await agent.write(order, 'being written');
    const dead = world.library.resolve(partName('playback/other.mp4', randomUUID(), 3));
    const kept = world.library.resolve('playback/.mine.part');
    await writeFile(dead, 'dead');
    await writeFile(kept, 'not ours');
    await utimes(dead, 0, 0);
    const first = await world.scheduler();
    await world.sql`update leases set expires_at = now()`;
    await world.eventually(async () => expect(await world.files()).not.toContain(`playback/${dead.split('/').at(-1)}`));
    expect(await world.files()).toEqual(['inbox/film.mkv', order.outputs[0]?.partPath ?? '', 'playback/.mine.part'].toSorted());
    await first.stop();
  });
});

describe('nodes', () => {
  it('that fall silent lose their jobs to others, which carry on', async () => {
    const { job } = await encodeJob();
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    await agent.write(order, 'half');
    const other = await world.agent('node-b');
    await other.say();
    await world.silence('node-a');
    const again = await other.run(job.id);
    expect(again.epoch).toBe(2);
    expect(await world.sql`select health from nodes where id = 'node-a'`).toEqual([{ health: 'lost' }]);
    await other.done(again, { kind: 'completed', files: await other.write(again, 'encoded'), result: encoded });
    expect(await world.job(job.id)).toMatchObject({ status: 'completed', lostCount: 1, excludedNodes: ['node-a'] });
    expect(await world.files()).toEqual(['inbox/film.mkv', 'playback/film.mp4']);
    expect((await agent.heartbeat([order])).kill).toEqual([{ jobId: job.id, epoch: 1, reason: 'stale' }]);
  });

  it('that restart lose their jobs at once; the newest start has the id', async () => {
    const job = await testJob(world.sql, 'scan');
    await world.scheduler();
    await agent.say();
    await agent.run(job.id);
    const newer = await world.agent('node-a');
    await newer.say();
    const again = await newer.run(job.id, 1);
    expect(again.epoch).toBe(2);
    expect(await agent.heartbeat([])).toMatchObject({ known: false, superseded: true });
    await agent.say();
    expect(await agent.heartbeat([])).toMatchObject({ superseded: true });
    expect(await newer.heartbeat([again])).toMatchObject({ known: true, superseded: false, renewed: [{ jobId: job.id, epoch: 2 }], kill: [] });
  });

  it('unknown to the hub are told to say hello', async () => {
    await world.scheduler();
    expect(await agent.heartbeat([])).toMatchObject({ known: false, superseded: false });
  });
});
