/** A running re-encode against every plug that can be pulled: cancel, SIGKILL of the agent, of the scheduler, of all. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Node, Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';
import { makeClip } from './clips.ts';

let system: System;
let client: Client;
let folder: string;
let film: Video;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-attempts-'));
  system = await startSystem();
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const path = await makeClip(join(folder, 'film.mp4'), { seconds: 40, size: '1280x720', rate: '30' });
  film = await client.untilVideo((await client.upload(path)).body.id, (video) => video.thumbnailPath !== null);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

/** Files and new outputs a re-encode of the film has made, without parts. */
const outputs = async (): Promise<string[]> => (await readdir(join(system.libraryRoot, 'playback'))).filter((name) => !name.startsWith('.'));
const parts = async (): Promise<string[]> => (await readdir(join(system.libraryRoot, 'playback'))).filter((name) => name.endsWith('.part'));

const startEncode = async (preset = 'slower'): Promise<Job> => {
  const { id } = await client.ok<{ id: string }>('POST', '/api/media/jobs/reencode', { videoId: film.id, preset });
  return client.until(`job ${id} to make progress`, async () => {
    const job = await client.job(id);
    return job.status === 'running' && job.progress > 0 ? job : undefined;
  });
};

describe('cancel', () => {
  it('ends ffmpeg, leaves no file, and says so', async () => {
    const job = await startEncode();
    expect((await system.workers()).length).toBeGreaterThan(0);
    const answer = await client.call<{ status: string; log: string }>('POST', `/api/media/jobs/${job.id}/cancel`);
    expect(answer.status).toBe(200);
    expect(answer.body.status).toBe('cancelled');
    expect(answer.body.log).toContain('--- JOB CANCELLED BY ADMIN ---');
    expect(await system.workers()).toEqual([]);
    expect(await parts()).toEqual([]);
    const again = await client.call('POST', `/api/media/jobs/${job.id}/cancel`);
    expect(again.status).toBe(409);
  });
});

describe('drain', () => {
  it('gives a running encode back at its deadline, although the scheduler died before that, and uses no retry', async () => {
    const job = await startEncode();
    const node = await client.ok<Node>('POST', '/api/media/nodes/local/drain', { deadlineSeconds: 5 });
    expect(node).toMatchObject({ adminState: 'draining', running: { gpu_encode: 1 } });
    await system.kill('scheduler', 'SIGKILL');
    expect((await client.job(job.id)).status).toBe('running');
    const back = await client.until('the job to be given back', async () => {
      const now = await client.job(job.id);
      return now.status === 'pending' ? now : undefined;
    });
    expect(back).toMatchObject({ retryCount: 0, nodeId: null, epoch: 1 });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(node.drainDeadlineAt ?? ''));
    expect(back.log).toContain('Given back by node local: the node is drained');
    await client.until('ffmpeg to be gone', async () => ((await system.workers()).length === 0 ? true : undefined));
    expect(await parts()).toEqual([]);
    expect(await client.ok<Node>('POST', '/api/media/nodes/local/resume')).toMatchObject({ adminState: 'active', drainDeadlineAt: null });
    await client.until('the job to run again', async () => ((await client.job(job.id)).status === 'running' ? true : undefined));
    expect((await client.call('POST', `/api/media/jobs/${job.id}/cancel`)).status).toBe(200);
  });
});

describe('pause', () => {
  it('freezes a running encode and goes on where it was', async () => {
    const job = await startEncode('medium');
    expect((await client.ok<{ status: string }>('POST', `/api/media/jobs/${job.id}/pause`)).status).toBe('paused');
    expect((await system.workers()).length).toBeGreaterThan(0);
    expect((await client.ok<{ status: string }>('POST', `/api/media/jobs/${job.id}/resume`)).status).toBe('running');
    const ended = await client.untilJob(job.id, ['completed', 'failed'], 120_000);
    expect(ended.status, ended.log).toBe('completed');
    expect(ended.epoch).toBe(1);
  });
  it('with release gives the slot back, and resume runs it again', async () => {
    const job = await startEncode();
    await client.ok('POST', `/api/media/jobs/${job.id}/pause`, { release: true });
    await client.until('the encoder to be gone', async () => ((await system.workers()).length === 0 ? true : undefined));
    expect((await client.ok<{ status: string }>('POST', `/api/media/jobs/${job.id}/resume`)).status).toBe('pending');
    await client.untilJob(job.id, ['running']);
    await client.ok('POST', `/api/media/jobs/${job.id}/cancel`);
  });
});

describe('SIGKILL', () => {
  it('of the agent: ffmpeg dies with it, the job runs again and completes once', async () => {
    const before = await outputs();
    const job = await startEncode('medium');
    await system.kill('node-agent', 'SIGKILL');
    // Before the next agent could have anything to do with it: the launcher starts that one later.
    await client.until('the encoder to be gone', async () => ((await system.workers()).length === 0 ? true : undefined));
    const ended = await client.untilJob(job.id, ['completed', 'failed'], 180_000);
    expect(ended.status, ended.log).toBe('completed');
    expect(ended.epoch).toBe(2);
    expect(ended.retryCount).toBe(0);
    expect((await outputs()).length).toBe(before.length + 1);
    expect(await parts()).toEqual([]);
  });
  it('of the scheduler: the encode goes on and completes', async () => {
    const job = await startEncode('medium');
    await system.kill('scheduler', 'SIGKILL');
    const ended = await client.untilJob(job.id, ['completed', 'failed'], 180_000);
    expect(ended.status, ended.log).toBe('completed');
    expect(ended.epoch).toBe(1);
  });
  it('of NATS: the encode goes on and completes', async () => {
    const job = await startEncode('medium');
    await system.kill('nats', 'SIGKILL');
    const ended = await client.untilJob(job.id, ['completed', 'failed'], 180_000);
    expect(ended.status, ended.log).toBe('completed');
  });
});

describe('a restart of everything', () => {
  it('keeps the library, requeues what ran, and finishes it', async () => {
    const job = await startEncode('medium');
    const total = (await client.ok<{ pagination: { total: number } }>('GET', '/api/media/videos')).pagination.total;
    await system.restart();
    client = new Client(system.baseUrl);
    await client.login('admin', system.adminPassword);
    const ended = await client.untilJob(job.id, ['completed', 'failed'], 180_000);
    expect(ended.status, ended.log).toBe('completed');
    expect(ended.retryCount).toBe(0);
    expect((await client.ok<{ pagination: { total: number } }>('GET', '/api/media/videos')).pagination.total).toBe(total + 1);
    const stale = (await client.job(job.id)).log;
    expect(stale).toContain('Re-encode completed successfully');
  });
});
