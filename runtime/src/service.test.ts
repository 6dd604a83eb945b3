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
  const stack = new ReleaseStack(clock, (r) => reports.push(`${r.name} ${r.error?.name ?? 'ok'}`));
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
