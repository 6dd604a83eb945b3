/**
 * What may happen to a job on a bad day, on the real system: each ends once and says how, and nothing stays behind, no
 * process, no part file, no booking.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobDetail, Video } from '@reelay/contracts';
import { openDatabase, type Sql } from '@reelay/store';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { findLeftovers } from '../kit/leftovers.ts';
import { processesOf } from '../kit/processes.ts';
import { type Program, startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';

/** Longer than NATS takes to cut off who stands still. */
const LEASE_SECONDS = 12;
const OPEN = 'status=pending,queued,running,paused';

let system: System;
let client: Client;
let sql: Sql;
let folder: string;
let film: Video;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-faults-'));
  system = await startSystem({
    env: {
      REELAY_HEARTBEAT_SECONDS: '1', REELAY_LEASE_SECONDS: String(LEASE_SECONDS), REELAY_LEADER_SECONDS: '3', REELAY_SWEEP_SECONDS: '1', REELAY_RETRY_UNIT_SECONDS: '0.3',
    },
  });
  await connect();
  film = await uploaded('film.mp4', 10);
});
const connect = async (): Promise<void> => {
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  sql = openDatabase({ url: system.environmentOf('scheduler').DATABASE_URL ?? '', applicationName: 'test', maxConnections: 2 });
};
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

/** Holds soon; looked at again and again, because the hub may be away meanwhile. */
const eventually = <T>(look: () => T | Promise<T>, timeoutMs = 60_000): Promise<T> => vi.waitFor(look, { timeout: timeoutMs, interval: 50 });

const uploaded = async (name: string, seconds: number): Promise<Video> => {
  const path = await makeClip(join(folder, name), { seconds, size: '1280x720', rate: '30' });
  return client.untilVideo((await client.upload(path)).body.id, (video) => video.thumbnailPath !== null);
};
const create = async (type: Job['type'], params: Record<string, unknown>): Promise<string> =>
  (await client.ok<{ id: string }>('POST', '/api/media/jobs', { type, params })).id;
const startEncode = async (video: Video = film, preset = 'medium'): Promise<Job> => {
  const id = await create('reencode_streaming', { videoId: video.id, preset });
  return eventually(async () => {
    const job = await client.job(id);
    expect(job).toMatchObject({ status: 'running' });
    expect(job.progress).toBeGreaterThan(0);
    return job;
  });
};
/** The job when it has the status. */
const reached = (id: string, status: Job['status']): Promise<JobDetail> =>
  eventually(async () => {
    const job = await client.job(id);
    expect(job.status, job.log).toBe(status);
    return job;
  });
const publicFiles = async (where: string): Promise<string[]> => (await readdir(join(system.libraryRoot, where))).filter((name) => !name.startsWith('.')).toSorted();
const countEvents = async (id: string, event: string): Promise<number> =>
  (await sql<{ n: number }[]>`select count(*)::int as n from audit where entity_id = ${id} and event = ${event}`)[0]?.n ?? -1;

/** Of the leading scheduler. */
const term = async (): Promise<number> => Number((await sql<{ term: string }[]>`select term from leases where name = 'scheduler'`)[0]?.term);

/** Another process like one of the system's. Ends with the test. */
const startAnother = (program: Program, env: Record<string, string> = {}): ChildProcess => {
  const command = processesOf(system.folder).find(({ pid }) => pid === system.pidOf(program))?.command.split(' ') ?? [];
  const child = spawn(process.execPath, command.slice(1), { env: { ...system.environmentOf(program), ...env }, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  started.push(child);
  return child;
};
const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
const ended = (child: ChildProcess): Promise<unknown> => (hasEnded(child) ? Promise.resolve() : once(child, 'exit'));

/** Nothing is underway and nothing is left of what was. */
const expectTidy = async (): Promise<void> => {
  await eventually(async () => expect((await client.jobs(`?${OPEN}`)).data.map(({ id, type, status }) => ({ id, type, status }))).toEqual([]));
  await eventually(async () => expect(await findLeftovers(system, sql)).toEqual([]), 30_000);
};
afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended(child);
  }
  await expectTidy();
});

describe('Postgres is killed', () => {
  it('and the encode goes on, completes once as the same attempt, and the API is well again', async () => {
    const before = await publicFiles('playback');
    const job = await startEncode();
    await system.kill('postgres', 'SIGKILL');
    await eventually(async () => expect((await fetch(`${system.baseUrl}/readyz`)).status).toBe(200));
    const answers = await Promise.all(Array.from({ length: 40 }, () => client.call('GET', '/api/media/jobs')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200));
    expect(await reached(job.id, 'completed')).toMatchObject({ epoch: 1, retryCount: 0 });
    expect(await publicFiles('playback')).toHaveLength(before.length + 1);
  });
});

describe('an agent', () => {
  it('that stands still past its lease loses the job; what it has when it wakes up is not published', async () => {
    const before = await publicFiles('playback');
    const job = await startEncode();
    const pid = system.pidOf('node-agent');
    process.kill(pid, 'SIGSTOP');
    await reached(job.id, 'pending');
    // Its ffmpeg did not stand still; at the latest its result is old now.
    process.kill(pid, 'SIGCONT');
    const done = await reached(job.id, 'completed');
    expect(done).toMatchObject({ epoch: 2, retryCount: 0 });
    expect(await countEvents(job.id, 'lost')).toBe(1);
    expect(await publicFiles('playback')).toHaveLength(before.length + 1);
  });

  it('with the id of another takes over: the older one ends, the job runs again and completes once', async () => {
    const before = await publicFiles('playback');
    const job = await startEncode();
    const older = system.pidOf('node-agent');
    const newer = startAnother('node-agent', { REELAY_WORK_DIR: join(folder, 'second node') });
    await eventually(() => expect(processesOf(system.folder).map(({ pid }) => pid)).not.toContain(older));
    // npm start leaves its own off: starting it again would take the id back, and so on for ever.
    await eventually(() => expect(system.output()).toContain('gave way to another one'));
    const done = await reached(job.id, 'completed');
    expect(done.epoch).toBeGreaterThan(1);
    expect(done.retryCount).toBe(0);
    expect(await publicFiles('playback')).toHaveLength(before.length + 1);
    newer.kill('SIGTERM');
    await ended(newer);
    await sql.end({ timeout: 1 });
    await system.restart();
    await connect();
  });
});

describe('schedulers', () => {
  it('two of them: one leads, the other takes over when that one stands still, and the first decides nothing any more', async () => {
    const first = system.pidOf('scheduler');
    const second = startAnother('scheduler', { REELAY_RUN_DIR: join(folder, 'second scheduler') });
    await once(second, 'message');
    const before = await term();
    process.kill(first, 'SIGSTOP');
    try {
      await eventually(async () => expect(await term()).toBe(before + 1));
      await reached(await create('thumbnail_generate', { videoId: film.id }), 'completed');
    } finally {
      process.kill(first, 'SIGCONT');
    }
    const job = await reached(await create('thumbnail_generate', { videoId: film.id }), 'completed');
    expect(await term()).toBe(before + 1);
    expect(await countEvents(job.id, 'place')).toBe(job.epoch);
    second.kill('SIGTERM');
    await ended(second);
    await eventually(async () => expect(await term()).toBe(before + 2));
    await reached(await create('thumbnail_generate', { videoId: film.id }), 'completed');
  });

  it('killed while it hands out many jobs: each completes exactly once', async () => {
    const { data } = await client.ok<{ data: Job[] }>('POST', '/api/media/jobs/bulk', {
      jobs: Array.from({ length: 25 }, () => ({ type: 'validate', params: { videoId: film.id } })),
    });
    const ids = data.map(({ id }) => id);
    expect(ids).toHaveLength(25);
    for (const wanted of [1, 10]) {
      await vi.waitFor(async () => {
        const rows = await sql`select 1 from audit where event = 'place' and entity_id = any(${ids})`;
        expect(rows.length).toBeGreaterThanOrEqual(wanted);
      }, { timeout: 30_000, interval: 2 });
      await system.kill('scheduler', 'SIGKILL');
    }
    for (const id of ids) await reached(id, 'completed');
    for (const id of ids) expect(await countEvents(id, 'complete')).toBe(1);
  });
});

describe('cancel', () => {
  it('at any moment of many small jobs: the answer and the end agree', async () => {
    const clips = await Promise.all(['one.mp4', 'two.mp4', 'three.mp4'].map((name) => uploaded(name, 1)));
    const finals = await Promise.all(Array.from({ length: 30 }, async (_, n) => {
      const video = clips[n % clips.length];
      const id = await create(n % 2 === 0 ? 'thumbnail_generate' : 'validate', { videoId: video?.id });
      // Spread over all that happens to a job: some are cancelled while they wait, some as they start, run, or end.
      await vi.waitFor(async () => {
        const { status } = await client.job(id);
        expect(['pending', 'queued', 'running', 'completed'].indexOf(status)).toBeGreaterThanOrEqual(n % 4);
      }, { timeout: 60_000, interval: 5 });
      const answer = await client.call<{ status: Job['status'] }>('POST', `/api/media/jobs/${id}/cancel`);
      return { id, answer };
    }));
    await eventually(async () => expect((await client.jobs(`?${OPEN}`)).data).toEqual([]));
    const counts: Record<string, number> = {};
    for (const { id, answer } of finals) {
      const job = await client.job(id);
      if (answer.status === 409) expect(job.status).toBe('completed');
      else if (answer.status === 200) expect(job.status).toBe(answer.body.status);
      else expect(answer.status).toBe(202);
      expect(['completed', 'cancelled']).toContain(job.status);
      expect((await countEvents(id, 'complete')) + (await countEvents(id, 'cancel'))).toBe(1);
      counts[job.status] = (counts[job.status] ?? 0) + 1;
    }
    expect(counts.cancelled).toBeGreaterThan(0);
    expect(counts.completed).toBeGreaterThan(0);
  });
});

describe('the input', () => {
  it('replaced while it is read: the attempt does not count, the next one reads the new file', async () => {
    const video = await uploaded('replaced.mp4', 12);
    const other = await makeClip(join(folder, 'other.mp4'), { seconds: 2, size: '640x360' });
    const job = await startEncode(video);
    const path = join(system.libraryRoot, video.path);
    await copyFile(other, `${path}.new`);
    await rename(`${path}.new`, path);
    const done = await reached(job.id, 'completed');
    expect(done).toMatchObject({ epoch: 2, retryCount: 1 });
    expect(done.log).toContain('changed while the job ran');
    const made = await eventually(async () => {
      const found = (await client.ok<{ data: Video[] }>('GET', '/api/media/videos?location=playback&limit=100')).data.find(({ sourceVideoId }) => sourceVideoId === video.id);
      expect(found?.valid).toBe(true);
      return found;
    });
    expect(made?.width).toBe(640);
  });

  it('deleted while it is read: what is open is read to its end; the next job fails and says which file', async () => {
    const video = await uploaded('deleted.mp4', 8);
    const job = await startEncode(video);
    await unlink(join(system.libraryRoot, video.path));
    expect(await reached(job.id, 'completed')).toMatchObject({ epoch: 1 });
    const failed = await reached(await create('reencode_streaming', { videoId: video.id }), 'failed');
    expect(failed).toMatchObject({ errorCode: 'file_not_found', retryCount: 0 });
    expect(failed.errorMessage).toContain(video.path);
    await client.call('DELETE', `/api/media/videos/${video.id}`);
  });
});

const playback = (): string => join(system.libraryRoot, 'playback');
/** The folder of results is not there, but a file in its place. */
const withoutPlayback = async <T>(work: () => Promise<T>): Promise<T> => {
  await rename(playback(), `${playback()}.away`);
  await writeFile(playback(), 'in the way');
  try {
    return await work();
  } finally {
    await unlink(playback());
    await rename(`${playback()}.away`, playback());
  }
};

describe('a job that fails', () => {
  it('is tried again after 2, 4 and 8 units, fails for good, and runs when it is asked to', async () => {
    const id = await withoutPlayback(async () => {
      const made = await create('reencode_streaming', { videoId: film.id, preset: 'ultrafast' });
      await reached(made, 'failed');
      return made;
    });
    const failed = await client.job(id);
    expect(failed.retryCount).toBe(3);
    expect(failed.errorMessage?.length).toBeGreaterThan(10);
    for (const n of [1, 2, 3]) expect(failed.log).toContain(`--- RETRY ATTEMPT ${n} ---`);
    const waits = await sql<{ seconds: number }[]>`
      select extract(epoch from p.at - r.at)::float8 as seconds from audit r
      join lateral (select at from audit p where p.entity_id = r.entity_id and p.event = 'place' and p.id > r.id order by p.id limit 1) p on true
      where r.entity_id = ${id} and r.event = 'autoRetry' order by r.id`;
    for (const [n, { seconds }] of waits.entries()) expect(seconds).toBeGreaterThanOrEqual(2 ** (n + 1) * 0.3 - 0.05);
    expect(waits).toHaveLength(3);
    await client.ok('POST', `/api/media/jobs/${id}/retry`);
    const done = await reached(id, 'completed');
    expect(done.retryCount).toBe(4);
  });

  it('because the disk is full says so and leaves no part', async ({ skip }) => {
    const small = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', playback()]);
    skip(small.status !== 0, 'mounting a small disk needs root');
    try {
      const failed = await reached(await create('reencode_streaming', { videoId: film.id, preset: 'ultrafast', crf: 10 }), 'failed');
      expect(failed).toMatchObject({ errorCode: 'disk_full', retryCount: 3 });
      expect(await readdir(playback())).toEqual([]);
    } finally {
      spawnSync('umount', [playback()]);
    }
  });

  it('is cancelled while it waits for its next try', async () => {
    await withoutPlayback(async () => {
      const id = await create('reencode_streaming', { videoId: film.id, preset: 'ultrafast' });
      await eventually(async () => expect(await client.job(id)).toMatchObject({ status: 'pending', retryCount: 3 }));
      const answer = await client.call<{ status: string }>('POST', `/api/media/jobs/${id}/cancel`);
      expect(answer).toMatchObject({ status: 200, body: { status: 'cancelled' } });
      expect(await countEvents(id, 'fail')).toBe(0);
    });
  });

  it('by ending its agent each time is given up after three of them', async () => {
    const id = await create('reencode_streaming', { videoId: film.id, preset: 'veryslow' });
    for (const epoch of [1, 2, 3, 4]) {
      await eventually(async () => expect(await client.job(id)).toMatchObject({ status: 'running', epoch }));
      await system.kill('node-agent', 'SIGKILL');
    }
    const failed = await reached(id, 'failed');
    expect(failed).toMatchObject({ errorCode: 'node_lost', retryCount: 0 });
    expect(await countEvents(id, 'lost')).toBe(3);
    expect((await stat(join(system.libraryRoot, film.path))).size).toBe(film.sizeBytes);
  });
});
