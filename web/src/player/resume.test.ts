import { expect, test } from 'vitest';
import { positionAfter } from './resume.ts';

test('remembers the middle, forgets beginning and end', () => {
  const one = positionAfter({}, 'a', 61.234, 600, 1);
  expect(one).toEqual({ a: [61.2, 1] });
  expect(positionAfter(one, 'a', 595, 600, 2)).toEqual({});
  expect(positionAfter(one, 'a', 3, 600, 2)).toEqual({});
  expect(positionAfter(one, 'b', 20, 600, 2)).toEqual({ b: [20, 2], a: [61.2, 1] });
});

test('keeps the newest 200', () => {
  let known = {};
  for (let index = 0; index < 250; index += 1) known = positionAfter(known, `v${index}`, 50, 600, index);
  expect(Object.keys(known)).toHaveLength(200);
  expect(Object.keys(known)).not.toContain('v0');
});
