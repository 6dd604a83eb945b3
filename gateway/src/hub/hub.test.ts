import { beforeEach, describe, expect, test } from 'vitest';
import type { Audience, HubEvent } from './events.ts';
import { Hub, type HubClient } from './hub.ts';

const ALL: Audience = { topics: ['jobs', 'videos', 'nodes'], jobs: 'all', username: 'root' };
const own = (username: string): Audience => ({ topics: ['jobs'], jobs: 'own', username });
const state = (n: number, owner: string | null = null, topic: HubEvent['topic'] = 'jobs'): HubEvent => ({ kind: 'state', topic, owner, id: `${n}.0`, text: `id: ${n}.0\ndata: s${n}\n\n` });
const progress = (key: string, value: number, owner: string | null = null): HubEvent => ({ kind: 'progress', topic: 'jobs', owner, key, text: `data: ${key}=${value}\n\n` });
const decoder = new TextDecoder();

let hub: Hub;
let nowMs: number;
beforeEach(() => {
  hub = new Hub({ maxClients: 100, maxBytesPerClient: 2000, writeDeadlineMs: 1000, maxAgeMs: 1_000_000 });
  hub.startAt('0.0');
  nowMs = 0;
});

const join = (audience: Audience = ALL, held = false): HubClient => {
  const client = hub.register(audience, nowMs);
  if (client === null) throw new Error('not let in');
  if (!held) client.queue.release(null, nowMs);
  return client;
};
const flush = (...events: HubEvent[]): void => {
  for (const event of events) hub.broadcast(event);
  hub.flush(nowMs);
};
const taken = (client: HubClient): string => {
  let text = '';
  for (let frame = client.queue.take(nowMs); frame !== null; frame = client.queue.take(nowMs)) text += decoder.decode(frame);
  return text;
};

describe('hub', () => {
  test('all events in order, made into one frame a round that equal audiences share', () => {
    const [a, b] = [join(), join()];
    flush(state(1), state(2));
    const [frameA, frameB] = [a.queue.take(nowMs), b.queue.take(nowMs)];
    expect(frameA).toBe(frameB);
    expect(decoder.decode(frameA ?? new Uint8Array())).toBe('id: 1.0\ndata: s1\n\nid: 2.0\ndata: s2\n\n');
    expect(hub.flushedId).toBe('2.0');
  });

  test('everybody hears what is theirs, and the newest id in any case', () => {
    const [ann, bob, root] = [join(own('ann')), join(own('bob')), join()];
    flush(state(1, 'ann'), state(2, 'bob'), state(3, null, 'videos'));
    expect(taken(ann)).toBe('id: 1.0\ndata: s1\n\nid: 3.0\n\n');
    expect(taken(bob)).toBe('id: 2.0\ndata: s2\n\nid: 3.0\n\n');
    expect(taken(root)).toContain('data: s3');
  });

  test('a client that joins between a change and its flush misses nothing', () => {
    hub.broadcast(state(1));
    const client = join();
    expect(hub.flushedId).toBe('0.0');
    hub.flush(nowMs);
    expect(taken(client)).toContain('data: s1');
  });

  test('a held client gets its past first, then what came meanwhile', () => {
    const client = join(ALL, true);
    flush(state(5), progress('job', 10));
    expect(client.queue.take(nowMs)).toBeNull();
    client.queue.release(new TextEncoder().encode('past '), nowMs);
    expect(taken(client)).toBe('past id: 5.0\ndata: s5\n\ndata: job=10\n\n');
  });

  test('progress: only the latest of a key waits for a slow client; states are never dropped', () => {
    const client = join();
    flush(state(1));
    for (let n = 1; n <= 50; n += 1) flush(progress('a', n), progress('b', -n), state(n + 1));
    const text = taken(client);
    expect(text.match(/data: s\d+/g)).toHaveLength(51);
    expect(text.match(/data: [ab]=.*/g)).toEqual(['data: a=50', 'data: b=-50']);
    expect(text).not.toMatch(/id:.*\ndata: a=/);
  });

  test('a client that reads too slowly is let go at its bound, while others get everything', () => {
    const [slow, quick] = [join(), join()];
    let got = '';
    for (let n = 1; n <= 500; n += 1) {
      flush(state(n));
      got += taken(quick);
    }
    expect(slow.queue.left).toBe('overflow');
    expect(got.match(/data: s\d+/g)).toHaveLength(500);
    expect([hub.size, hub.dropped.overflow]).toEqual([1, 1]);
  });

  test('a client that takes nothing for the write deadline is let go; an idle one is not', () => {
    const [stalled, idle] = [join(), join(own('idle'))];
    flush(state(1, 'x', 'videos'));
    taken(idle);
    nowMs = 1001;
    flush();
    expect([stalled.queue.left, idle.queue.left]).toEqual(['stalled', undefined]);
    nowMs = 1_000_002;
    flush();
    expect(idle.queue.left).toBe('too_old');
  });

  test('leaving twice, after the move, and joining after it are harmless', () => {
    const [a, b] = [join(), join()];
    hub.leave(a, 'closed');
    hub.leave(a, 'stalled');
    expect(a.queue.left).toBe('closed');
    let woken = 0;
    b.queue.onChange(() => {
      woken += 1;
    });
    hub.move(() => 0);
    hub.move(() => 0);
    expect(taken(b)).toBe('retry: 200\nevent: moving\ndata: {"retryMs":200}\n\n');
    hub.leave(b, 'closed');
    expect([b.queue.left, woken, hub.size, hub.register(ALL, nowMs)]).toEqual(['stopping', 2, 0, null]);
    flush(state(9));
    hub.ping(nowMs);
  });

  test('who is sent elsewhere gets what waits first, and is told to come back at a time of its own', () => {
    const clients = Array.from({ length: 100 }, () => join());
    const late = hub.register(ALL, nowMs);
    expect(late).toBeNull();
    flush(state(1));
    let n = 0;
    hub.move(() => (n += 1) / 101);
    const texts = clients.map((client) => taken(client));
    for (const text of texts) expect(text).toMatch(/^id: 1\.0\ndata: s1\n\nretry: \d+\nevent: moving\n/);
    expect(new Set(texts).size).toBeGreaterThan(50);
    expect(clients.every((client) => client.queue.left === 'stopping')).toBe(true);
  });

  test('one that is still being greeted gets its past, what came meanwhile, and the move', () => {
    const client = join(ALL, true);
    flush(state(1));
    hub.move(() => 1);
    expect(taken(client)).toBe('');
    client.queue.release(new TextEncoder().encode('past\n\n'), nowMs);
    expect(taken(client)).toMatch(/^past\n\nid: 1\.0\ndata: s1\n\nretry: 1200\n/);
    expect(client.queue.left).toBe('stopping');
  });

  test('no more clients than allowed', () => {
    for (let n = 0; n < 100; n += 1) join();
    expect(hub.register(ALL, nowMs)).toBeNull();
  });

  test('a ping goes to idle clients only', () => {
    const [idle, busy] = [join(), join()];
    flush(state(1));
    taken(idle);
    hub.ping(nowMs);
    expect(taken(idle)).toBe(': ping\n\n');
    expect(taken(busy)).not.toContain('ping');
  });
});
