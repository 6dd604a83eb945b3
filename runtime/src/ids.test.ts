import { expect, test } from 'vitest';
import { createIdSource, newId } from './ids.ts';
import { ManualClock } from './testing.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('the time stands in the first 48 bits', () => {
  const clock = new ManualClock(new Date(0x017f22e279b0));
  const id = createIdSource(clock, (size) => new Uint8Array(size).fill(0xff))();
  expect(id).toBe('017f22e2-79b0-77ff-bfff-ffffffffffff');
});

test('ids sort in the order they were made, within a millisecond and when time steps back', () => {
  let at = 1_800_000_000_000;
  const next = createIdSource({ now: () => new Date(at) }, (size) => new Uint8Array(size));
  const ids = Array.from({ length: 10_000 }, (_, i) => {
    if (i === 5_000) at -= 60_000;
    return next();
  });
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(V7);
});

test('newId makes a version 7 UUID of now', () => {
  const id = newId();
  expect(id).toMatch(V7);
  const ms = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  expect(Math.abs(ms - Date.now())).toBeLessThan(60_000);
});
