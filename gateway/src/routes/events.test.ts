import { type LiveEvent, PROTOCOL_VERSION, type Progress, subjects } from '@reelay/contracts';
import { type Lease, type NodeRow, setAdminState } from '@reelay/store';
import { runJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
let lease: Lease;
let node: NodeRow;
beforeAll(async () => {
  gateway = await startTestGateway();
  lease = await testLease(gateway.sql);
  node = await testNode(gateway.sql, 'node-a');
});
afterAll(() => gateway.stop());

type Received = LiveEvent & { id: string | null };

/** A browser: reads events until it has what it waits for. */
class Listener {
  readonly events: Received[] = [];
  lastId: string | null = null;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';
  ended = false;

  private constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  static async open(options: { as?: string; topics?: string; lastId?: string } = {}): Promise<Listener> {
    const response = await gateway.call('GET', `/api/media/events${options.topics === undefined ? '' : `?topics=${options.topics}`}`, {
      as: options.as ?? 'SUPER_ADMIN', headers: options.lastId === undefined ? {} : { 'last-event-id': options.lastId },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    if (!response.body) throw new Error('no body');
    return new Listener(response.body);
  }

  async until(wanted: (event: Received) => boolean): Promise<Received> {
    for (;;) {
      const found = this.events.find(wanted);
      if (found !== undefined) return found;
      const { done, value } = await this.#reader.read();
      if (done) {
        this.ended = true;
        throw new Error(`the stream ended; got ${this.events.map((event) => event.event).join(', ')}`);
      }
      this.#take(new TextDecoder().decode(value));
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }

  #take(text: string): void {
    this.#text += text;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
      const id = field('id');
      if (id !== null) this.lastId = id;
      const event = field('event');
      if (event !== null) this.events.push({ event, data: JSON.parse(field('data') ?? '{}'), id } as Received);
    }
  }
}

const progress = (jobId: string, percent: number, over: Partial<Progress> = {}): Progress => ({
  v: PROTOCOL_VERSION, jobId, epoch: 1, percent, phase: 'encoding', message: `frame ${percent}`, fps: 50, speed: 2, etaSeconds: 3, checkpoint: false, ...over,
});

test('changes arrive with the whole object and an id to resume from', async () => {
  const listener = await Listener.open();
  expect(await listener.until((event) => event.event === 'hello')).toMatchObject({ id: expect.stringMatching(/^\d+\.\d+$/) });
  const video = await gateway.upload('live.mp4');
  const seen = await listener.until((event) => event.event === 'video' && event.data.video.id === video.id);
  expect(seen).toMatchObject({ data: { change: 'created', video: { title: 'live' } }, id: expect.stringMatching(/^\d+\.\d+$/) });
  const job = await listener.until((event) => event.event === 'job' && event.data.job.videoId === video.id);
  expect(job).toMatchObject({ data: { change: 'created', job: { type: 'validate', status: 'pending' } } });
  await setAdminState(gateway.sql, 'node-a', 'draining', 'tester');
  expect(await listener.until((event) => event.event === 'node' && event.data.change === 'draining')).toMatchObject({ data: { node: { id: 'node-a', adminState: 'draining' } } });
  await setAdminState(gateway.sql, 'node-a', 'active', 'tester');
  await gateway.call('DELETE', `/api/media/videos/${video.id}`);
  expect(await listener.until((event) => event.event === 'video-deleted')).toMatchObject({ data: { id: video.id } });
  await listener.close();
  expect(gateway.deps.hub.size).toBe(0);
});

test('a resume gets exactly what was missed, in order, and then goes on', async () => {
  const first = await Listener.open({ topics: 'jobs' });
  const before = await gateway.createJob({ type: 'scan' });
  await first.until((event) => event.event === 'job' && event.data.job.id === before.id);
  await first.close();
  const missed = [];
  for (let n = 0; n < 5; n += 1) missed.push((await gateway.createJob({ type: 'scan' })).id);
  await expect.poll(() => gateway.deps.outbox.replay(first.lastId ?? '', '9999999999999999999.0', { topics: ['jobs'], jobs: 'all', username: '' }).then((events) => events?.length)).toBe(5);

  const second = await Listener.open({ topics: 'jobs', lastId: first.lastId ?? '' });
  const after = await gateway.createJob({ type: 'scan' });
  await second.until((event) => event.event === 'job' && event.data.job.id === after.id);
  const ids = second.events.flatMap((event) => (event.event === 'job' ? [event.data.job.id] : []));
  expect(ids).toEqual([...missed, after.id]);
  await second.close();
});

test.each(['nonsense', '1.999999', '99999999999.0', '0.1', '-1.2'])('a resume id that is unknown here (%s) is answered with reset', async (lastId) => {
  const listener = await Listener.open({ lastId });
  expect(await listener.until((event) => event.event === 'reset')).toMatchObject({ data: { reason: expect.any(String) } });
  await listener.close();
});

test('missing too much is answered with reset as well', async () => {
  const first = await Listener.open();
  await first.until((event) => event.event === 'hello');
  await first.close();
  await gateway.json(201, 'POST', '/api/media/jobs/bulk', { body: { jobs: Array.from({ length: 1000 }, () => ({ type: 'scan', labels: { bulk: '1' } })) } });
  await gateway.createJob({ type: 'scan' });
  gateway.deps.outbox.kick();
  await expect.poll(() => gateway.deps.hub.flushedId === first.lastId).toBe(false);
  await expect.poll(async () => {
    const [row] = await gateway.sql<{ id: number }[]>`select max(id)::int as id from audit`;
    return gateway.deps.hub.flushedId?.endsWith(`.${row?.id ?? 0}`);
  }).toBe(true);
  const second = await Listener.open({ lastId: first.lastId ?? '' });
  await second.until((event) => event.event === 'reset');
  await second.close();
  await gateway.sql`delete from jobs where labels->>'bulk' = '1'`;
});

test('an ADMIN hears of own jobs only, a VIEWER of no jobs, and neither of nodes', async () => {
  const admin = await Listener.open({ as: 'ADMIN' });
  const viewer = await Listener.open({ as: 'VIEWER' });
  await gateway.createJob({ type: 'scan' });
  const own = await gateway.createJob({ type: 'scan' }, 'ADMIN');
  await setAdminState(gateway.sql, 'node-a', 'cordoned', 'tester');
  await setAdminState(gateway.sql, 'node-a', 'active', 'tester');
  const video = await gateway.upload('last.mp4');
  await Promise.all([admin, viewer].map((listener) => listener.until((event) => event.event === 'video' && event.data.video.id === video.id)));
  expect(admin.events.flatMap((event) => (event.event === 'job' ? [event.data.job.id] : []))).toEqual([own.id]);
  expect(viewer.events.map((event) => event.event).filter((name) => name !== 'hello')).toEqual(['video']);
  expect(admin.events.some((event) => event.event === 'node')).toBe(false);
  await Promise.all([admin.close(), viewer.close()]);
});

test('progress reaches browsers and is laid over what is stored; a node is believed about its own attempts only', async () => {
  const job = await gateway.createJob({ type: 'scan' });
  await runJob(gateway.sql, lease, job, node);
  gateway.deps.hints.outbox();
  const listener = await Listener.open();
  await listener.until((event) => event.event === 'hello');
  const say = (nodeId: string, percent: number, over?: Partial<Progress>) => gateway.bus.publish(subjects.node(nodeId, 'progress'), progress(job.id, percent, over));
  say('node-b', 99);
  say('node-a', 88, { epoch: 7 });
  say('node-a', 41.7);
  const seen = await listener.until((event) => event.event === 'progress');
  expect(seen).toMatchObject({ id: null, data: { jobId: job.id, percent: 41.7, phase: 'encoding', fps: 50 } });
  expect(await gateway.json(200, 'GET', `/api/media/jobs/${job.id}`)).toMatchObject({ status: 'running', progress: 41, phase: 'encoding', statusMessage: 'frame 41.7', fps: 50, speed: 2, etaSeconds: 3 });
  const [stored] = await gateway.sql<{ progress: number }[]>`select progress from jobs where id = ${job.id}`;
  expect(stored?.progress).toBe(0);
  await listener.close();
});

test('jobs that ran before this gateway started are looked up when their node speaks', async () => {
  const job = await gateway.createJob({ type: 'scan' }, 'ADMIN');
  const listener = await Listener.open({ as: 'ADMIN' });
  await runJob(gateway.sql, lease, job, node);
  await expect.poll(async () => {
    gateway.bus.publish(subjects.node('node-a', 'progress'), progress(job.id, 12));
    return (await gateway.json<{ progress: number }>(200, 'GET', `/api/media/jobs/${job.id}`)).progress;
  }, { timeout: 5000 }).toBe(12);
  await listener.until((event) => event.event === 'progress' && event.data.jobId === job.id);
  await listener.close();
});

test('wrong topics are refused; HEAD opens no stream; without sign-in 401', async () => {
  expect((await gateway.call('GET', '/api/media/events?topics=jobs,weather')).status).toBe(422);
  expect((await gateway.call('GET', '/api/media/events?since=1')).status).toBe(422);
  expect((await gateway.call('HEAD', '/api/media/events')).status).toBe(200);
  expect((await gateway.call('GET', '/api/media/events', { as: null })).status).toBe(401);
  expect(gateway.deps.hub.size).toBe(0);
});

test('stopping ends every stream', async () => {
  const listener = await Listener.open();
  await listener.until((event) => event.event === 'hello');
  gateway.drain();
  await expect(listener.until(() => false)).rejects.toThrow('the stream ended');
  expect((await gateway.call('GET', '/api/media/events')).status).toBe(502);
  const ready = await gateway.call('GET', '/readyz', { as: null });
  expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'stopping', checks: { gateway: { ok: false, detail: 'stopping' } } }]);
});
