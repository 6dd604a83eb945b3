/** Streams over several gateways: the tested one, and others that speak the same protocol with streams made by hand. */
import { type LiveEvent, type Stream, type StreamList, subjects } from '@reelay/contracts';
import { Ctx, KilledByHand, newId, SessionIdle, systemClock } from '@reelay/runtime';
import { type Bus, connectBus } from '@reelay/runtime/bus';
import { bookSession, endSession, registerNode } from '@reelay/store';
import { testHello } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { StreamAnnouncer } from './announcer.ts';
import { StreamDirectory } from './directory.ts';
import { StreamJournal } from './journal.ts';
import { testStream } from './testing.ts';

let gateway: TestGateway;
let bus: Bus;
let other: OtherGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());
beforeEach(async () => {
  bus = await connectBus({ url: gateway.natsUrl, name: 'other', logger: gateway.deps.logger });
  other = new OtherGateway(bus);
  await other.start();
});
afterEach(async () => {
  await other.stop();
  await bus.close();
});

class OtherGateway {
  readonly id = newId();
  readonly name = `other-${this.id.slice(-4)}`;
  readonly streams = new Map<string, Stream>();
  readonly #journal: StreamJournal;
  readonly announcer: StreamAnnouncer;

  constructor(to: Bus) {
    const { sql, hints, logger } = gateway.deps;
    this.#journal = new StreamJournal({ sql, clock: systemClock, logger, gateway: this.name, onWritten: () => hints.outbox() });
    this.announcer = new StreamAnnouncer({
      bus: to, clock: systemClock, journal: this.#journal, gateway: { id: this.id, name: this.name }, directory: new StreamDirectory(this.id, { onStream: () => undefined, onLost: () => undefined }),
      list: () => [...this.streams.values()],
      end: async (id, by) => this.close(id, new KilledByHand(by)),
    });
  }

  async start(): Promise<void> {
    await this.announcer.start(Ctx.root('other'));
    await bus.flush();
  }

  async stop(): Promise<void> {
    for (const id of this.streams.keys()) this.close(id, new SessionIdle(1));
    await this.announcer.stop();
    await this.#journal.stop();
  }

  open(n: number): Stream {
    const stream = { ...testStream(n, this.name), id: newId(), sessionId: newId() };
    this.streams.set(stream.id, stream);
    this.announcer.opened(stream);
    return stream;
  }

  close(id: string, cause: Error): Stream | null {
    const stream = this.streams.get(id) ?? null;
    this.streams.delete(id);
    if (stream !== null) this.announcer.ended(stream, cause);
    return stream;
  }
}

type Heard = LiveEvent & { id: string | null };

/** Reads events until one is as wanted. */
const listen = async (lastId?: string): Promise<{ until: (wanted: (event: Heard) => boolean) => Promise<Heard>; heard: Heard[]; close: () => Promise<void> }> => {
  const response = await gateway.call('GET', '/api/media/events?topics=streams', { headers: lastId === undefined ? {} : { 'last-event-id': lastId } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const heard: Heard[] = [];
  let text = '';
  const until = async (wanted: (event: Heard) => boolean): Promise<Heard> => {
    for (;;) {
      const found = heard.find(wanted);
      if (found !== undefined) return found;
      const part = await reader?.read();
      if (part?.value === undefined) throw new Error('the events ended');
      const blocks = (text + part.value).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
        if (field('event') !== null) heard.push({ event: field('event'), data: JSON.parse(field('data') ?? '{}'), id: field('id') } as Heard);
      }
    }
  };
  return { until, heard, close: async () => reader?.cancel() };
};
const list = async (): Promise<Stream[]> => (await gateway.json<StreamList>(200, 'GET', '/api/media/streams')).data;
const isAbout = (name: Heard['event'], id: string) => (event: Heard): boolean =>
  event.event === name && ((event.event === 'stream' && event.data.stream.id === id) || (event.event === 'stream-ended' && event.data.id === id));

test('another gateway’s stream is told of as it is opened, changes, and ends, with the cause', async () => {
  const events = await listen();
  expect(await events.until(({ event }) => event === 'streams')).toMatchObject({ data: { data: [] } });
  const stream = other.open(1);
  expect(await events.until((event) => isAbout('stream', stream.id)(event) && event.id !== null)).toMatchObject({ data: { change: 'opened', stream } });
  other.streams.set(stream.id, { ...stream, viewers: 7 });
  expect(await events.until((event) => event.event === 'stream' && event.data.stream.viewers === 7)).toMatchObject({ id: null, data: { change: 'changed' } });
  expect(await list()).toMatchObject([{ id: stream.id, viewers: 7, gateway: other.name, unreachable: false }]);
  other.close(stream.id, new SessionIdle(60_000));
  expect(await events.until(isAbout('stream-ended', stream.id))).toMatchObject({ id: expect.any(String), data: { code: 'session_idle', cause: expect.stringContaining('idle'), by: null, gateway: other.name } });
  expect(await list()).toEqual([]);
  await events.close();
});

test('who comes back hears of what was opened and ended meanwhile, and how all are now', async () => {
  const first = await listen();
  const gone = other.open(1);
  const { id } = await first.until((event) => isAbout('stream', gone.id)(event) && event.id !== null);
  await first.close();
  other.close(gone.id, new SessionIdle(1));
  const stays = other.open(2);
  await expect.poll(() => gateway.deps.outbox.replay(id ?? '', gateway.deps.hub.flushedId ?? '', { topics: ['streams'], jobs: 'all', username: '' }).then((missed) => missed?.length)).toBe(2);
  const second = await listen(id ?? '');
  expect(await second.until(({ event }) => event === 'streams')).toMatchObject({ data: { data: [{ id: stays.id }] } });
  expect(second.heard.map(({ event }) => event)).toEqual(['hello', 'stream-ended', 'stream', 'streams']);
  await second.close();
});

test('ended by hand from here, it says who did it; a second time it is not there', async () => {
  const events = await listen();
  const stream = other.open(1);
  await events.until(isAbout('stream', stream.id));
  expect(await gateway.json(200, 'DELETE', `/api/media/streams/${stream.id}`)).toEqual({ id: stream.id, ended: true });
  expect(await events.until(isAbout('stream-ended', stream.id))).toMatchObject({ data: { code: 'killed_by_hand', by: 'super_admin' } });
  expect((await gateway.call('DELETE', `/api/media/streams/${stream.id}`)).status).toBe(404);
  expect((await gateway.call('DELETE', '/api/media/streams/nonsense')).status).toBe(404);
  await events.close();
});

test('a gateway that does not answer holds nothing up: its streams are as last heard, and end at their node', async () => {
  const { sql } = gateway;
  const { node } = await registerNode(sql, 'node-1', testHello({ sessionLimit: 4 }));
  const events = await listen();
  const stream = other.open(1);
  await events.until(isAbout('stream', stream.id));
  const book = (id: string, gatewayId: string) => bookSession(sql, { id, videoId: stream.videoId, version: 't1', gatewayId, nodeId: 'node-1', incarnation: node.incarnation, deviceId: 'software', vramMb: 0 }, { leaseMs: 60_000, fleetLimit: undefined });
  const unknown = newId();
  await Promise.all([book(stream.sessionId ?? '', other.id), book(unknown, newId())]);
  await other.announcer.stop();
  // Frozen, not gone: somebody listens there, and says nothing.
  const silent = bus.subscribe(subjects.gateway(other.id, 'streams'), z.unknown(), () => undefined);
  await bus.flush();
  expect(await list()).toMatchObject([{ id: stream.id, unreachable: true, viewers: 1 }, { id: unknown, state: 'elsewhere', unreachable: true }]);
  const closed: unknown[] = [];
  const asked = [
    gateway.bus.serve(subjects.agent('node-1', 'session'), {}, z.unknown(), (message) => {
      closed.push(message);
      return { ok: true, known: false, refusal: null, heads: [] };
    }),
    gateway.bus.serve(subjects.sessionEnd, {}, z.object({ sessionId: z.string() }), ({ sessionId }) => endSession(sql, sessionId)),
  ];
  expect((await gateway.call('DELETE', `/api/media/streams/${stream.id}`)).status).toBe(200);
  expect(closed).toMatchObject([{ kind: 'close', sessionId: stream.sessionId, reason: 'ended by hand by super_admin' }]);
  expect(await events.until(isAbout('stream-ended', stream.id))).toMatchObject({ data: { by: 'super_admin' } });
  expect(await gateway.json<StreamList>(200, 'GET', '/api/media/streams')).toMatchObject({ data: [{ id: unknown }] });
  for (const subscription of [silent, ...asked]) subscription.unsubscribe();
  await events.close();
});

test('streams are a SUPER_ADMIN’s alone', async () => {
  const response = await gateway.call('GET', '/api/media/events', { as: 'ADMIN' });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).not.toContain('event: streams');
  await reader?.cancel();
});
