/** Work for the services: encodes for the node, viewers, uploads and live events for the gateway, new jobs for the scheduler. */
import { request } from 'node:http';
import { join } from 'node:path';
import type { Video } from '@reelay/contracts';
import { pause } from '../../kit/eventually.ts';
import { readEvents } from '../../system/client.ts';
import { makeClip } from '../../system/clips.ts';
import type { Stage } from './stage.ts';

const READY_MS = 60_000;

/** A film that takes long to encode and little to store. */
export const addFilm = async (stage: Stage, folder: string): Promise<Video> => {
  const path = await makeClip(join(folder, 'film.mp4'), { seconds: 90, size: '480x270', rate: '25' });
  return stage.client.untilVideo((await stage.client.upload(path)).body.id, (video) => video.thumbnailPath !== null);
};

export interface RunningJob {
  id: string;
  epoch: number;
}

/** Starts encodes and waits until each makes progress. */
export const startEncodes = async (stage: Stage, film: Video, count: number): Promise<RunningJob[]> => {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await stage.client.ok<{ id: string }>('POST', '/api/media/jobs/reencode', { videoId: film.id, preset: 'veryslow' })).id);
  return Promise.all(ids.map((id) => untilRunning(stage, id)));
};

/** Asks the database, for the gateway may be away. @throws when it does not run within a minute */
export const untilRunning = async (stage: Stage, id: string, afterEpoch = 0): Promise<RunningJob> => {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const [job] = await stage.sql<{ status: string; epoch: number; progress: number; waiting: string | null }[]>`select status, epoch, progress, error_message as waiting from jobs where id = ${id}`;
    if (job?.status === 'running' && job.epoch > afterEpoch) return { id, epoch: job.epoch };
    if (performance.now() > deadline) throw new Error(`job ${id} does not run: ${JSON.stringify(job)}`);
    await pause(20);
  }
};

/** Cancels jobs and waits until all of them are over. */
export const cancelAll = async (stage: Stage): Promise<void> => {
  const open = await stage.sql<{ id: string }[]>`select id from jobs where status in ('pending', 'queued', 'running', 'paused')`;
  for (const { id } of open) await stage.client.call('POST', `/api/media/jobs/${id}/cancel`).catch(() => undefined);
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const left = await stage.sql<{ id: string; status: string }[]>`select id, status from jobs where status in ('pending', 'queued', 'running', 'paused')`;
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new Error(`jobs that nobody could cancel: ${JSON.stringify(left)}`);
    for (const { id } of left) await stage.client.call('POST', `/api/media/jobs/${id}/cancel`).catch(() => undefined);
    await pause(50);
  }
};

/** Something that goes on until it is stopped or the gateway ends it. */
export interface Load {
  stop: () => void;
  done: Promise<unknown>;
}

/** The end of a connection is what they are there for. */
const quiet = (work: Promise<void>): Promise<void> => work.catch(() => {});

/** Two viewers, two who watch live events, and a slow upload. */
export const loadGateway = (stage: Stage, film: Video): Load => {
  const controller = new AbortController();
  const { signal } = controller;
  const { token } = stage.client;
  const headers = { authorization: `Bearer ${token}` };
  const view = async (): Promise<void> => {
    while (!signal.aborted) {
      const answer = await fetch(`${stage.baseUrl}/api/media/videos/${film.id}/file`, { headers: { ...headers, range: 'bytes=0-400000' }, signal });
      await answer.arrayBuffer();
      await pause(10);
    }
  };
  const listen = async (): Promise<void> => {
    const answer = await fetch(`${stage.baseUrl}/api/media/events`, { headers, signal });
    if (answer.body !== null) for await (const _event of readEvents(answer.body)) if (signal.aborted) return;
  };
  return { stop: () => controller.abort(), done: Promise.all([quiet(view()), quiet(view()), quiet(listen()), quiet(listen()), uploadSlowly(stage, signal)]) };
};

const uploadSlowly = (stage: Stage, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const upload = request(`${stage.baseUrl}/api/media/videos/upload?filename=slow.mp4`, {
      method: 'POST', headers: { authorization: `Bearer ${stage.client.token}`, 'content-type': 'application/octet-stream', 'content-length': 100_000_000 }, signal,
    });
    const more = setInterval(() => upload.write(Buffer.alloc(10_000)), 20);
    const end = (): void => {
      clearInterval(more);
      upload.destroy();
      resolve();
    };
    upload.once('error', end).once('close', end);
    upload.once('response', (answer) => answer.resume().once('close', end));
  });

/** New small jobs, one after the other. */
export const loadScheduler = (stage: Stage, film: Video): Load => {
  const controller = new AbortController();
  const create = async (): Promise<void> => {
    while (!controller.signal.aborted) {
      await stage.client.call('POST', '/api/media/jobs', { type: 'thumbnail_generate', params: { videoId: film.id } }).catch(() => undefined);
      await pause(150);
    }
  };
  return { stop: () => controller.abort(), done: create() };
};
