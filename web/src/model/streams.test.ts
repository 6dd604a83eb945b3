import type { Stream } from '@reelay/contracts';
import { expect, it } from 'vitest';
import { afterNews, headOf, stateOf, summaryOf, workOf } from './streams.ts';

const head: Stream['heads'][number] = {
  id: '00000000-0000-4000-8000-000000000001', renditionId: 'h360', state: 'running', from: 32, next: 45, until: 60, fromSeconds: 64.064, nextSeconds: 90.09, pid: 7, encoder: 'libx264', fps: 90, speed: 3.14,
  uptimeSeconds: 9, detail: null,
};
const stream: Stream = {
  id: '00000000-0000-4000-8000-000000000002', kind: 'segments', videoId: '00000000-0000-4000-8000-000000000003', videoTitle: 'Film', version: 't1', state: 'open', gateway: 'a', unreachable: false, sessionId: null,
  nodeId: 'node-1', deviceId: 'gpu-0', encoder: 'h264_nvenc', viewers: 2, uptimeSeconds: 61, idleSeconds: 0, heads: [head], segments: 1, cacheHits: 4, detail: null,
};

it('says who watches, where, and what is made', () => {
  expect(summaryOf(stream)).toBe('2 viewers on node-1, h264_nvenc');
  expect(summaryOf({ ...stream, viewers: 1, nodeId: null, encoder: null })).toBe('1 viewer');
  expect(headOf(head)).toBe('360p from 1:04, now at 1:30, 3.1× real time, libx264');
  expect(headOf({ ...head, renditionId: 'a1', state: 'waiting', speed: null, encoder: 'aac' })).toBe('Sound 2 from 1:04, now at 1:30, ahead of its viewers, aac');
  expect(workOf(stream)).toContain('1 segment made, 4 answered from the cache');
});
it('tells a stream that encodes from one that is ahead of its viewers', () => {
  expect(stateOf(stream).label).toBe('Encoding');
  expect(stateOf({ ...stream, heads: [{ ...head, state: 'waiting' }] }).label).toBe('Ahead');
  expect(stateOf({ ...stream, kind: 'pipe', heads: [{ ...head, state: 'waiting' }] }).label).toBe('Encoding');
  expect(stateOf({ ...stream, state: 'waiting' }).label).toBe('No place');
});
const changed = (to: Stream) => ({ event: 'stream' as const, data: { stream: to, change: 'changed' } });
it('follows what is told of the streams: changed in its place, a new one first, one that ended is gone', () => {
  const other: Stream = { ...stream, id: '00000000-0000-4000-8000-000000000009' };
  expect(afterNews([other, stream], changed({ ...stream, viewers: 3 }))).toEqual([other, { ...stream, viewers: 3 }]);
  expect(afterNews([stream], changed(other))).toEqual([other, stream]);
  const { id, kind, videoId, gateway } = stream;
  expect(afterNews([other, stream], { event: 'stream-ended', data: { id, kind, videoId, gateway, code: 'session_idle', cause: 'idle', by: null } })).toEqual([other]);
  expect(afterNews([stream], { event: 'streams', data: { data: [other] } })).toEqual([other]);
});
it('says when what is shown is old', () => {
  expect(stateOf({ ...stream, unreachable: true }).label).toBe('Gateway silent');
});
