import { expect, test } from 'vitest';
import { newerJob, reconnectDelayMs, withProgress } from './merge.ts';
import { aJob } from '../testing.ts';

const tick = { jobId: aJob().id, epoch: 1, percent: 41.9, phase: 'encode', message: 'Encoding', fps: 50, speed: 2, etaSeconds: 12 };

test('the highest rev wins, whatever the order of arrival', () => {
  const old = aJob({ rev: 3, status: 'running' });
  const done = aJob({ rev: 4, status: 'completed' });
  expect(newerJob(old, done)).toBe(done);
  expect(newerJob(done, old)).toBe(done);
});

test('a row written before the last progress does not move the bar back', () => {
  const running = withProgress(aJob({ rev: 3, status: 'running', progress: 20 }), tick);
  expect(running).toMatchObject({ progress: 41, fps: 50, etaSeconds: 12 });
  expect(newerJob(running, aJob({ rev: 4, status: 'running', progress: 40, priority: 2 }))).toMatchObject({ rev: 4, progress: 41, fps: 50, priority: 2 });
  expect(newerJob(running, aJob({ rev: 5, epoch: 2, status: 'running', progress: 0 }))).toMatchObject({ progress: 0 });
});

test('progress of another attempt or of an ended job changes nothing', () => {
  const next = aJob({ status: 'running', epoch: 2 });
  const ended = aJob({ status: 'failed' });
  expect(withProgress(next, tick)).toBe(next);
  expect(withProgress(ended, tick)).toBe(ended);
});

test('waits longer after each failure, never more than 15 s', () => {
  expect([reconnectDelayMs(0, 0), reconnectDelayMs(3, 0), reconnectDelayMs(99, 0), reconnectDelayMs(99, 1)]).toEqual([500, 4000, 15_000, 10_000]);
});
