import { expect, test } from 'vitest';
import { speedometer } from './speed.ts';

test('speed is measured over the last seconds', () => {
  let now = 0;
  const speed = speedometer(() => now);
  expect(speed(0)).toBe(null);
  now = 1000;
  expect(speed(2_000_000)).toBe(2_000_000);
  for (now = 2000; now <= 10_000; now += 1000) speed(2_000_000 + (now - 1000) * 500);
  now = 11_000;
  expect(speed(2_000_000 + 10_000 * 500)).toBeCloseTo(500_000, -4);
});
