import { ClientGone, createLogger } from '@reelay/runtime';
import { ManualClock } from '@reelay/runtime/testing';
import { beforeEach, expect, test } from 'vitest';
import { GatheredRequests } from './gathered-requests.ts';
import { HttpMetrics } from './http-metrics.ts';

const REQUEST = { requestId: 'r', method: 'GET', path: '/stream/x', status: 200, startedMs: 1, endedMs: 3.5, tookMs: 0.4 };

let clock: ManualClock;
let metrics: HttpMetrics;
let lines: Record<string, unknown>[];
let gathered: GatheredRequests;

beforeEach(() => {
  clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
  metrics = new HttpMetrics({ liveClients: () => 0, processMetrics: false });
  lines = [];
  const destination = { write: (line: string) => { lines.push(JSON.parse(line) as Record<string, unknown>); } };
  gathered = new GatheredRequests({ clock, metrics, logger: createLogger({ service: 'test', destination }) });
});

const count = async (): Promise<number> => Number(/_count\{[^}]*\} (\d+)/.exec(await metrics.registry.metrics())?.[1] ?? 0);

test('lines come together, in order, each with the time at which its request ended', () => {
  gathered.ended(REQUEST, undefined);
  clock.advance(15);
  gathered.ended({ ...REQUEST, requestId: 's' }, new ClientGone());
  expect(lines).toEqual([]);
  clock.advance(5);
  expect(lines).toMatchObject([
    { time: '2026-01-01T00:00:00.000Z', requestId: 'r', totalMs: 2.5, msg: 'request' },
    { time: '2026-01-01T00:00:00.015Z', requestId: 's', code: 'client_gone' },
  ]);
  clock.advance(100);
  gathered.ended(REQUEST, undefined);
  gathered.flush();
  expect(lines.map(({ requestId }) => requestId)).toEqual(['r', 's', 'r']);
});

test('whoever reads the metrics misses none, and none is counted twice', async () => {
  for (let n = 0; n < 3; n += 1) gathered.measured({ method: 'GET', route: '/x', status: 200, tookMs: 1 });
  expect(await count()).toBe(3);
  clock.advance(20);
  expect(await count()).toBe(3);
});
