import { expect, test } from 'vitest';
import { troubleOf } from './recovery.ts';
import type { Waiting } from './waiting.ts';
import { waitingText } from './waiting.ts';

const text = (fields: Partial<Waiting>): string => waitingText({ trouble: null, retryAtMs: null, nowMs: 10_000, isOnline: true, isEncoded: false, isSlow: false, ...fields });

test('says what is known, and counts down', () => {
  expect(text({ trouble: troubleOf(0), retryAtMs: 12_400 })).toBe('The server is away. Trying again in 3 s.');
  expect(text({ trouble: troubleOf(0), retryAtMs: 9000 })).toBe('The server is away. Trying again now.');
  expect(text({ trouble: troubleOf(503, 'no_encoder', 'All 2 places for streams are taken.', 7), retryAtMs: 17_000 })).toBe('All 2 places for streams are taken. Trying again in 7 s.');
  expect(text({ trouble: troubleOf(502, 'gateway_stopping', 'This gateway is stopping'), retryAtMs: 10_500 })).toBe('This gateway is stopping. Trying again in 1 s.');
  expect(text({ trouble: troubleOf(503) })).toBe('The server is busy. Trying again now.');
  expect(text({ isOnline: false, trouble: troubleOf(0) })).toBe('This device is offline. It goes on when the connection is back.');
  expect(text({ isEncoded: true })).toBe('A node is starting the encode.');
  expect(text({})).toBe('Waiting for data.');
});
