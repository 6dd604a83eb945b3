import { expect, test } from 'vitest';
import { Ctx } from './ctx.ts';
import { ReleaseStack, ReleaseTimeout } from './service.ts';
import { ManualClock } from './testing.ts';

test('steps run last-in first-out and the first error is kept', async () => {
  const order: string[] = [];
  const stack = new ReleaseStack(new ManualClock());
  stack.push('a', () => void order.push('a'));
  stack.push('b', () => {
    order.push('b');
    throw new Error('b failed');
  });
  stack.push('c', async () => {
    order.push('c');
    throw new Error('c failed');
  });
  await expect(stack.release()).rejects.toThrow('c failed');
  expect(order).toEqual(['c', 'b', 'a']);
  await expect(stack.release()).rejects.toThrow('c failed');
});

test('a step that hangs is left behind at its deadline', async () => {
  const clock = new ManualClock();
  const reports: string[] = [];
  const stack = new ReleaseStack(clock, { onStep: (r) => reports.push(`${r.name} ${r.error?.name ?? 'ok'}`) });
  stack.push('below', () => {});
  stack.push('hangs', () => new Promise(() => {}), 50);
  const released = stack.release();
  clock.advance(50);
  await expect(released).rejects.toBeInstanceOf(ReleaseTimeout);
  expect(reports).toEqual(['hangs ReleaseTimeout', 'below ok']);
  expect(clock.pending).toBe(0);
});

test('a step pushed too late runs at once', async () => {
  const order: string[] = [];
  const stack = new ReleaseStack(new ManualClock());
  stack.push('a', () => void order.push('a'));
  await stack.release();
  stack.push('late', () => void order.push('late'));
  await stack.release();
  expect(order).toEqual(['a', 'late']);
});

test('a service that fails to start is still stopped', async () => {
  let stopped = 0;
  const stack = new ReleaseStack(new ManualClock());
  const service = { name: 's', start: () => Promise.reject(new Error('no')), stop: async () => void (stopped += 1) };
  await expect(stack.start(service, Ctx.root())).rejects.toThrow('no');
  await stack.release();
  expect(stopped).toBe(1);
});

test('steps that hang leave time for those below them, and all of it is over within the total', async () => {
  const clock = new ManualClock();
  const reports: string[] = [];
  const stack = new ReleaseStack(clock, { totalMs: () => 1_000, onStep: (r) => reports.push(`${r.name} ${r.tookMs} ${r.error?.name ?? 'ok'}`) });
  stack.push('quick', () => {});
  for (const name of ['third', 'second', 'first']) stack.push(name, () => new Promise(() => {}), () => 500);
  expect(stack.describe()).toEqual([{ name: 'first', deadlineMs: 500 }, { name: 'second', deadlineMs: 500 }, { name: 'third', deadlineMs: 500 }, { name: 'quick', deadlineMs: 5000 }]);
  const released = stack.release().catch(() => {});
  for (let ms = 0; ms < 1_000; ms += 10) {
    clock.advance(10);
    await new Promise(setImmediate);
  }
  await released;
  expect(reports.map((report) => report.replace(/ \d+ /, ' '))).toEqual(['first ReleaseTimeout', 'second ReleaseTimeout', 'third ReleaseTimeout', 'quick ok']);
  expect(reports[0]).toBe('first 500 ReleaseTimeout');
  expect(clock.monotonicMs()).toBeLessThanOrEqual(1_000);
});
