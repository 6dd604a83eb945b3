import { expect, test } from 'vitest';
import { TokenBuckets } from './token-bucket.ts';

test('tries run out and come back one by one; keys do not meet', () => {
  const buckets = new TokenBuckets({ capacity: 2, refillMs: 1000, maxKeys: 10 });
  expect([buckets.take('a', 0), buckets.take('a', 0), buckets.take('a', 0), buckets.take('b', 0)]).toEqual([0, 0, 1000, 0]);
  expect(buckets.take('a', 400)).toBe(600);
  expect(buckets.take('a', 1000)).toBe(0);
  expect(buckets.take('a', 1000)).toBe(1000);
  buckets.refund('a', 1000);
  expect(buckets.take('a', 1000)).toBe(0);
});

test('no more keys are kept than allowed, and full buckets go first', () => {
  const buckets = new TokenBuckets({ capacity: 1, refillMs: 1000, maxKeys: 100 });
  for (let n = 0; n < 1000; n += 1) {
    buckets.take(`key ${n}`, n);
    expect(buckets.size).toBeLessThanOrEqual(100);
  }
});
