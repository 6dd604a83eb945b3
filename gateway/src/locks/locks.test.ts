/** Who uses a file, and what that means to whoever wants to move or delete it: one gateway, two, and what dead ones leave. */
import { link, readdir, readFile } from 'node:fs/promises';
import { request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import type { FileHolder, Problem, Video } from '@reelay/contracts';
import { Ctx, newId, ReleaseStack, systemClock } from '@reelay/runtime';
import { filesOf, findVideo, requestWrite, type VideoRow } from '@reelay/store';
import { runJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CallOptions, startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { startGateway } from '../gateway.ts';
import { LockSweep } from './lock-sweep.ts';
import { Viewers } from './viewers.ts';

let gateway: TestGateway;
let server: Server;
beforeAll(async () => {
  // Viewers are gone with their last request: what lingers is tried by itself, with a clock of its own.
  gateway = await startTestGateway({ REELAY_VIEWER_LINGER_SECONDS: '0', REELAY_GATEWAY_NAME: 'a' });
  server = createAdaptorServer({ fetch: gateway.app.fetch }) as Server;
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await gateway.stop();
});
const locks = async (): Promise<number> => (await gateway.sql<{ n: number }[]>`select ((select count(*) from file_reads) + (select count(*) from file_writes))::int as n`)[0]?.n ?? -1;
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 30_000, interval: 10 });
afterEach(async () => {
  await gateway.sql`delete from jobs`;
  await eventually(async () => expect(await locks()).toBe(0));
  expect(gateway.deps.reads.size).toBe(0);
});

const BIG = 'x'.repeat(1_000_000);
const inbox = async (): Promise<string[]> => (await readdir(join(gateway.libraryRoot, 'inbox'))).filter((name) => name !== '.uploads').toSorted();
const row = async (video: Video): Promise<VideoRow> => {
  const found = await findVideo(gateway.sql, video.id);
  if (!found) throw new Error('no such video');
  return found;
};
const problem = async (response: Response): Promise<Problem> => (await response.json()) as Problem;
const code = async (response: Response): Promise<[number, string]> => [response.status, (await problem(response)).code];
const remove = (video: Video, query = '', options: CallOptions = {}): Promise<Response> => gateway.call('DELETE', `/api/media/videos/${video.id}${query}`, options);
const rename = (video: Video, filename: string, query = '', options: CallOptions = {}): Promise<Response> =>
  gateway.call('PATCH', `/api/media/videos/${video.id}${query}`, { body: { filename }, ...options });
const holders = async (video: Video): Promise<FileHolder[]> => (await gateway.json<{ data: FileHolder[] }>(200, 'GET', `/api/media/videos/${video.id}/holders`)).data;

interface Reading {
  /** Reads the rest. */
  finish: () => Promise<string>;
  cancel: () => Promise<void>;
}
/** Fetches the file and stops in the middle. */
const startReading = async (video: Video, options: CallOptions = { as: 'VIEWER' }, app = gateway.app): Promise<Reading> => {
  const token = options.as === 'SUPER_ADMIN' || options.as === 'ADMIN' ? gateway.users[options.as].token : gateway.users.VIEWER.token;
  const response = await app.request(`/api/media/videos/${video.id}/file`, { headers: { authorization: `Bearer ${token}`, ...options.headers } });
  if (response.status !== 200 || response.body === null) throw new Error(`not sent: ${response.status} ${await response.text()}`);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = decoder.decode((await reader.read()).value, { stream: true });
  return {
    finish: async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += decoder.decode(value, { stream: true });
      }
    },
    cancel: () => reader.cancel(),
  };
};
const runningJob = async (video: Video): Promise<string> => {
  await gateway.sql`delete from leases`;
  const node = await testNode(gateway.sql, `node-${newId().slice(-6)}`);
  const job = await gateway.createJob({ type: 'reencode_streaming', params: { videoId: video.id } });
  await runJob(gateway.sql, await testLease(gateway.sql), job, node);
  await gateway.sql`update jobs set progress = 42 where id = ${job.id}`;
  return job.id;
};
const waiting = (): Promise<void> => eventually(async () => {
  expect(await gateway.sql`select 1 from file_writes where state = 'waiting'`).toHaveLength(1);
});

describe('a file in use', () => {
  test('is not moved or deleted; the refusal names everybody in words, with their ids', async () => {
    const video = await gateway.upload('busy.mkv', BIG);
    const film = await startReading(video, { headers: { 'sec-fetch-dest': 'video' } });
    const copy = await startReading(video, { as: 'ADMIN' });
    await eventually(async () => expect((await holders(video))[0]?.text).toBe('played by 1 viewer and fetched by 1 client on gateway a'));
    const jobId = await runningJob(video);
    for (const answer of [await remove(video), await rename(video, 'other.mkv')]) {
      const refusal = await problem(answer);
      expect([answer.status, refusal.code]).toEqual([409, 'file_in_use']);
      expect(refusal.detail).toBe(`“busy” is in use: played by 1 viewer and fetched by 1 client on gateway a; read by the reencode_streaming job ${jobId}, 42 % done`);
      expect(refusal.errors).toEqual([{ path: 'gatewayId', message: expect.any(String) }, { path: 'jobId', message: jobId }]);
    }
    expect((await gateway.call('PATCH', `/api/media/videos/${video.id}`, { body: { title: 'still allowed' } })).status).toBe(200);
    const { data } = await gateway.json<{ data: { videoId: string; title: string; holders: FileHolder[] }[] }>(200, 'GET', '/api/media/locks');
    expect(data).toMatchObject([{ videoId: video.id, title: 'still allowed', path: video.path, holders: [{ kind: 'gateway', mode: 'read' }, { kind: 'job', id: jobId }] }]);
    expect((await gateway.call('GET', '/api/media/locks', { as: 'ADMIN' })).status).toBe(403);
    expect((await gateway.call('GET', `/api/media/videos/${video.id}/holders`, { as: 'VIEWER' })).status).toBe(403);
    expect(await gateway.json<object>(200, 'GET', `/api/media/videos/${video.id}`, { as: 'VIEWER' })).not.toHaveProperty('holders');
    expect([(await film.finish()).length, (await copy.finish()).length]).toEqual([BIG.length, BIG.length]);
    await gateway.sql`delete from jobs`;
    expect((await remove(video, '?wait=10')).status).toBe(204);
  });

  test('is counted per viewer, and free when the last has gone; a request that got nothing is no viewer', async () => {
    const video = await gateway.upload('counted.mkv', BIG);
    const reads = await Promise.all([startReading(video), startReading(video), startReading(video, { as: 'ADMIN' })]);
    await eventually(async () => expect((await holders(video))[0]?.text).toBe('fetched by 2 clients on gateway a'));
    await reads[0]?.finish();
    await reads[2]?.cancel();
    expect(await code(await remove(video))).toEqual([409, 'file_in_use']);
    await reads[1]?.finish();
    await eventually(async () => expect(await locks()).toBe(0));
    expect((await gateway.call('GET', `/api/media/videos/${video.id}/file`, { headers: { range: 'bytes=9999999-' } })).status).toBe(416);
    expect((await rename(video, 'counted too.mkv')).status).toBe(200);
  });

  test('that only the one who asks is playing is no obstacle', async () => {
    const video = await gateway.upload('mine.mkv', BIG);
    const own = await startReading(video, { as: 'SUPER_ADMIN' });
    expect((await rename(video, 'mine too.mkv')).status).toBe(200);
    expect((await own.finish()).length).toBe(BIG.length);
    const others = await startReading(video);
    expect(await code(await rename(video, 'mine again.mkv'))).toEqual([409, 'file_in_use']);
    await others.cancel();
  });
});

describe('waiting', () => {
  test('ends when the last reader leaves; who is in the film goes on, newcomers wait and find it gone', async () => {
    const video = await gateway.upload('waited for.mkv', BIG);
    const film = await startReading(video);
    const deletion = remove(video, '?wait=30');
    await waiting();
    // Known: goes on although somebody waits. Not known: waits for the outcome.
    expect((await (await startReading(video)).finish()).length).toBe(BIG.length);
    const newcomer = gateway.call('GET', `/api/media/videos/${video.id}/file`, { as: 'ADMIN' });
    expect(await holders(video)).toMatchObject([{ kind: 'gateway' }, { kind: 'writer', mode: 'write', text: 'waited for by super_admin, to be deleted' }]);
    expect((await film.finish()).length).toBe(BIG.length);
    expect((await deletion).status).toBe(204);
    expect(await code(await newcomer)).toEqual([404, 'video_not_found']);
  });

  test('ends when the job that read it has ended, wherever that is told', async () => {
    const video = await gateway.upload('job.mkv');
    const jobId = await runningJob(video);
    const renaming = rename(video, 'after the job.mkv', '?wait=30');
    await waiting();
    await gateway.sql`update attempts set released_at = now() where job_id = ${jobId}`;
    gateway.deps.hints.outbox();
    expect((await renaming).status).toBe(200);
  });

  test('is over at its time, with the holders of then; and when its client has left', async () => {
    const video = await gateway.upload('patience.mkv', BIG);
    const film = await startReading(video);
    expect(await code(await remove(video, '?wait=0.05'))).toEqual([409, 'file_in_use']);
    const gone = new AbortController();
    const abandoned = gateway.app.request(`/api/media/videos/${video.id}?wait=60`, { method: 'DELETE', signal: gone.signal, headers: { authorization: `Bearer ${gateway.users.ADMIN.token}` } });
    await waiting();
    gone.abort();
    await Promise.resolve(abandoned).catch(() => undefined);
    await eventually(async () => expect(await gateway.sql`select 1 from file_writes`).toHaveLength(0));
    await film.cancel();
    for (const query of ['?wait=61', '?wait=x', '?patience=3']) expect((await remove(video, query)).status).toBe(422);
  });

  test('two that want the same file get it one after the other', async () => {
    const video = await gateway.upload('twice.mkv', BIG);
    const film = await startReading(video);
    const [first, second] = [rename(video, 'first.mkv', '?wait=30'), rename(video, 'second.mkv', '?wait=30')];
    await eventually(async () => expect(await gateway.sql`select 1 from file_writes where state = 'waiting'`).toHaveLength(2));
    await film.finish();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect(await inbox()).toContain((await row(video)).filename);
    expect((await inbox()).filter((name) => /^(first|second|twice)\.mkv$/.test(name))).toHaveLength(1);
  });
});

/** A real connection, which stands still until it is broken. */
const stalledClient = (video: Video): Promise<{ goOn: () => Promise<'whole' | 'broken'> }> => new Promise((resolve, reject) => {
  const { port } = server.address() as AddressInfo;
  const request = httpRequest({ port, path: `/api/media/videos/${video.id}/file`, headers: { authorization: `Bearer ${gateway.users.VIEWER.token}` } }, (response) => {
    response.pause();
    resolve({
      goOn: () => new Promise((done) => {
        response.once('end', () => done('whole'));
        response.on('error', () => done('broken'));
        response.resume();
      }),
    });
  });
  request.once('error', reject);
  request.end();
});

describe('force', () => {
  test('ends the streams at once, with the cause, and goes on', async () => {
    const video = await gateway.upload('forced.mkv', new Uint8Array(30_000_000));
    const { goOn } = await stalledClient(video);
    expect(await code(await remove(video))).toEqual([409, 'file_in_use']);
    expect(await code(await remove(video, '?force=1', { as: 'ADMIN' }))).toEqual([403, 'forbidden']);
    expect((await remove(video, '?force=1')).status).toBe(204);
    expect(await goOn()).toBe('broken');
  });

  test('never ends a job, and no stream for a change that a job stands in the way of', async () => {
    const video = await gateway.upload('job and stream.mkv', BIG);
    const film = await startReading(video);
    const jobId = await runningJob(video);
    const refusal = await problem(await remove(video, '?force=1'));
    expect(refusal.detail).toContain(jobId);
    expect((await holders(video)).map(({ kind }) => kind)).toEqual(['gateway', 'job']);
    expect((await film.finish()).length).toBe(BIG.length);
  });
});

const second = async (): Promise<{ other: Awaited<ReturnType<typeof startGateway>>; stop: () => Promise<void> }> => {
  const release = new ReleaseStack(systemClock);
  const { settings, sql, bus, library, keys, logger, web } = gateway.deps;
  const other = await startGateway(Ctx.root('second'), release, { settings: { ...settings, REELAY_GATEWAY_NAME: 'b' }, sql, bus, library, keys, logger, clock: systemClock, web, processMetrics: false });
  return { other, stop: () => release.release() };
};

describe('two gateways', () => {
  test('a reader at one is a reader for the other; its locks go with it', async () => {
    const video = await gateway.upload('elsewhere.mkv', BIG);
    const { other, stop } = await second();
    const film = await startReading(video, {}, other.app);
    expect((await problem(await remove(video))).detail).toContain('on gateway b');
    const deletion = remove(video, '?wait=30');
    await waiting();
    // The viewer of the one is known at the other.
    expect((await (await startReading(video)).finish()).length).toBe(BIG.length);
    await film.finish();
    expect((await deletion).status).toBe(204);
    const more = await gateway.upload('stopped.mkv', BIG);
    const open = await startReading(more, {}, other.app);
    await stop();
    expect((await remove(more)).status).toBe(204);
    // What is open is read to its end.
    expect((await open.finish()).length).toBe(BIG.length);
  });

  test('a dead one’s lock ends with its lease; one that was merely away asks again before it reads on', async () => {
    const video = await gateway.upload('away.mkv', BIG);
    const { other, stop } = await second();
    const film = await startReading(video, {}, other.app);
    await gateway.sql`update file_reads set lease_until = clock_timestamp() - interval '1 second'`;
    const moved = await rename(video, 'moved meanwhile.mkv');
    expect(moved.status).toBe(200);
    await other.deps.reads.tick();
    expect(other.deps.reads.size).toBe(1);
    expect((await (await startReading(video, {}, other.app)).finish()).length).toBe(BIG.length);
    expect((await film.finish()).length).toBe(BIG.length);
    await eventually(() => expect(other.deps.reads.size).toBe(0));
    await stop();
  });
});

const sweep = () => new LockSweep({ sql: gateway.sql, library: gateway.deps.library, clock: systemClock, logger: gateway.deps.logger }).run();
/** As far as a rename got that was killed. */
const killedRename = async (video: Video, stored: boolean): Promise<void> => {
  const answer = await requestWrite(gateway.sql, { files: filesOf(video), action: 'rename', actor: 'x' }, { wait: false, leaseMs: 1 });
  if (answer.kind !== 'held') throw new Error('not held');
  const to = `inbox/new ${video.filename}`;
  await gateway.sql`update file_writes set video_id = ${video.id}, from_path = ${video.path}, to_path = ${to} where ticket = ${answer.ticket}`;
  await link(join(gateway.libraryRoot, video.path), join(gateway.libraryRoot, to));
  if (stored) await gateway.sql`update videos set path = ${to}, rev = rev + 1 where id = ${video.id}`;
};

describe('what a dead gateway leaves', () => {
  test.each([false, true])('in the middle of a move, stored: %s: one name stays, the one that the record tells', async (stored) => {
    const video = await gateway.upload(`killed ${String(stored)}.mkv`, 'content');
    await killedRename(video, stored);
    await sweep();
    const { path } = await row(video);
    expect(await readFile(join(gateway.libraryRoot, path), 'utf8')).toBe('content');
    expect((await inbox()).filter((name) => name.endsWith(video.filename))).toEqual([path.replace('inbox/', '')]);
  });

  test('is free for everybody when its lease is over, before anything is swept', async () => {
    const video = await gateway.upload('stale.mkv', BIG);
    await requestWrite(gateway.sql, { files: filesOf(video), action: 'delete', actor: 'x' }, { wait: false, leaseMs: 1 });
    await (await startReading(video)).finish();
    expect((await rename(video, 'not stale.mkv', '?wait=5')).status).toBe(200);
    await sweep();
  });
});

test('a viewer between two segments keeps the file until it has been quiet for a while', () => {
  const viewers = new Viewers({ stream: 25_000, download: 2_000, session: 0 });
  viewers.enter('ann', 'stream', 0);
  expect(viewers.idleInMs(1_000)).toBe(null);
  viewers.leave('ann', 'stream', 1_000);
  viewers.enter('ben', 'download', 2_000);
  viewers.leave('ben', 'download', 3_000);
  expect(viewers.idleInMs(3_000)).toBe(23_000);
  expect(viewers.counts(3_000)).toEqual({ viewers: ['ann', 'ben'], streams: 1, downloads: 1, sessions: 0 });
  expect(viewers.counts(5_000)).toEqual({ viewers: ['ann'], streams: 1, downloads: 0, sessions: 0 });
  expect([viewers.isKnown('ann', 25_999), viewers.isKnown('ann', 26_000), viewers.idleInMs(26_000)]).toEqual([true, false, 0]);
});
