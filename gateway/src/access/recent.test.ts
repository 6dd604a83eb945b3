import { ManualClock } from '@reelay/runtime/testing';
import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

/** Answers wait until they are let go, and are numbered. */
const made = () => {
  const clock = new ManualClock();
  const waiting: ((value: number | null | Error) => void)[] = [];
  const recent = new Recent<number>({
    clock, freshMs: 1_000, maxMs: 4_000, maxKeys: 2,
    ask: () => new Promise((resolve, reject) => waiting.push((value) => (value instanceof Error ? reject(value) : resolve(value)))),
  });
  const answer = (value: number | null | Error): void => waiting.shift()?.(value);
  const known = async (key: string, value: number): Promise<void> => {
    const got = recent.get(key);
    answer(value);
    expect(await got).toBe(value);
  };
  return { clock, recent, answer, known, asked: () => waiting.length };
};

test('one question for all who ask at the same time, and none while the answer is fresh', async () => {
  const { recent, answer, asked, clock } = made();
  const both = [recent.get('a'), recent.get('a')];
  expect(asked()).toBe(1);
  answer(1);
  expect(await Promise.all(both)).toEqual([1, 1]);
  clock.advance(999);
  expect([await recent.get('a'), asked()]).toEqual([1, 0]);
});

test('an ageing answer is taken and asked for anew beside; an old one is waited for', async () => {
  const { recent, answer, asked, clock, known } = made();
  await known('a', 1);
  clock.advance(1_500);
  expect([await recent.get('a'), await recent.get('a'), asked()]).toEqual([1, 1, 1]);
  answer(2);
  await expect.poll(() => recent.get('a')).toBe(2);
  clock.advance(4_000);
  const waits = recent.get('a');
  answer(3);
  expect(await waits).toBe(3);
});

test('a failure beside is kept quiet until the answer is too old', async () => {
  const { recent, answer, clock, known } = made();
  await known('a', 1);
  clock.advance(1_500);
  expect(await recent.get('a')).toBe(1);
  answer(new Error('away'));
  await new Promise(setImmediate);
  clock.advance(3_000);
  const waits = recent.get('a');
  answer(new Error('still away'));
  await expect(waits).rejects.toThrow('still away');
});

test('what was asked before it was forgotten is not remembered', async () => {
  const { recent, answer, asked, known } = made();
  await known('a', 1);
  recent.forget('a');
  const before = recent.get('a');
  recent.clear();
  const after = recent.get('a');
  expect(asked()).toBe(2);
  answer(2);
  expect(await before).toBe(2);
  answer(3);
  expect([await after, await recent.get('a'), asked()]).toEqual([3, 3, 0]);
});

test('nothing is remembered of what there is not, and only so many keys', async () => {
  const { recent, answer, asked, known } = made();
  const none = recent.get('x');
  answer(null);
  expect(await none).toBeNull();
  for (const [value, key] of ['a', 'b', 'c'].entries()) await known(key, value);
  expect([await recent.get('b'), await recent.get('c'), asked()]).toEqual([1, 2, 0]);
  void recent.get('a');
  expect(asked()).toBe(1);
});
