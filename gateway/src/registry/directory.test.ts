import type { Stream, StreamEnd } from '@reelay/contracts';
import { beforeEach, expect, test } from 'vitest';
import { StreamDirectory } from './directory.ts';
import { testStream } from './testing.ts';

const OWN = '00000000-0000-7000-8000-00000000000a';
const OTHER = '00000000-0000-7000-8000-00000000000b';
let told: Stream[];
let lost: StreamEnd[];
let directory: StreamDirectory;
beforeEach(() => {
  told = [];
  lost = [];
  directory = new StreamDirectory(OWN, { onStream: (stream) => told.push(stream), onLost: (end) => lost.push(end) });
});

const hear = (streams: Stream[], nowMs: number, over: { ended?: string[]; all?: string[] | null; gatewayId?: string } = {}): boolean =>
  directory.heard({ gatewayId: OTHER, gateway: 'b', ended: [], all: null, streams, ...over }, nowMs);
const stream = testStream(1, 'b');

test('tells of what changed, and not of time that passes', () => {
  expect(hear([stream], 0)).toBe(true);
  expect(hear([{ ...stream, uptimeSeconds: 99, idleSeconds: 4 }], 1_000)).toBe(false);
  expect(told).toEqual([stream]);
  expect(directory.get(stream.id)).toMatchObject({ uptimeSeconds: 99 });
  hear([{ ...stream, viewers: 2 }], 2_000);
  expect(told.map(({ viewers }) => viewers)).toEqual([1, 2]);
});
test('forgets what ended, also when the word of it was lost', () => {
  const second = testStream(2, 'b');
  hear([stream, second], 0);
  hear([], 1_000, { ended: [stream.id] });
  expect(directory.all().map(({ id }) => id)).toEqual([second.id]);
  hear([], 2_000, { all: [] });
  expect(directory.all()).toEqual([]);
  expect(lost).toEqual([]);
});
test('marks the streams of a silent gateway, and gives them up when it stays silent', () => {
  hear([stream], 0);
  hear([], 0, { gatewayId: OWN });
  for (let nowMs = 0; nowMs < 3_000; nowMs += 1_000) directory.sweep(nowMs, true);
  expect(directory.others()).toEqual([{ id: OTHER, name: 'b', isSilent: false }]);
  directory.sweep(3_000, true);
  expect(told.at(-1)).toMatchObject({ id: stream.id, unreachable: true });
  hear([], 4_000);
  expect(told.at(-1)).toMatchObject({ id: stream.id, unreachable: false });
  for (let nowMs = 4_000; nowMs <= 19_000; nowMs += 1_000) directory.sweep(nowMs, true);
  expect(lost).toMatchObject([{ id: stream.id, code: 'gateway_lost', gateway: 'b', by: null }]);
  expect([directory.all(), directory.others()]).toEqual([[], []]);
});
test('gives nobody up while it hears nobody, or stood still itself', () => {
  hear([stream], 0);
  for (let nowMs = 0; nowMs <= 30_000; nowMs += 1_000) directory.sweep(nowMs, false);
  expect([lost, directory.all().length]).toEqual([[], 1]);
  hear([], 30_000);
  directory.sweep(90_000, true);
  expect([lost, directory.others()]).toEqual([[], [{ id: OTHER, name: 'b', isSilent: false }]]);
});
