import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { ClientGone, Shutdown, SupersededBySeek, TimedOut } from './causes.ts';
import { Ctx } from './ctx.ts';
import { ManualClock } from './testing.ts';

test('a cancel reaches every descendant with the first cause', () => {
  const root = Ctx.root();
  const child = root.child('request');
  const grandchild = child.child('encode');
  const heard: Error[] = [];
  grandchild.onCancel((cause) => heard.push(cause));
  const cause = new ClientGone();
  child.cancel(cause);
  root.cancel(new Shutdown('test'));
  expect(grandchild.cause).toBe(cause);
  expect(grandchild.signal.reason).toBe(cause);
  expect(heard).toEqual([cause]);
  expect(root.cause).toBeInstanceOf(Shutdown);
});

test('a child of a cancelled context is born cancelled', async () => {
  const root = Ctx.root();
  const cause = new Shutdown('test');
  root.cancel(cause);
  const child = root.child('late');
  expect(child.cancelled).toBe(true);
  expect(await child.done).toBe(cause);
  expect(() => child.throwIfCancelled()).toThrow(cause);
});

test('a listener taken back is not called', () => {
  const ctx = Ctx.root();
  const fn = vi.fn();
  ctx.onCancel(fn)();
  ctx.end();
  expect(fn).not.toHaveBeenCalled();
});

test('a time limit cancels with TimedOut', async () => {
  const ctx = Ctx.root().child('slow').withTimeout(1);
  expect(await ctx.done).toBeInstanceOf(TimedOut);
});

test('a child has the earlier of its own deadline and those above', () => {
  const clock = new ManualClock();
  const root = Ctx.root('service', clock);
  const request = root.child('request').withTimeout(10_000);
  const short = request.child('short').withTimeout(2_000);
  const long = request.child('long').withTimeout(60_000);
  expect([root.remainingMs, request.remainingMs, short.remainingMs, long.remainingMs]).toEqual([Infinity, 10_000, 2_000, 10_000]);
  clock.advance(3_000);
  expect(short.cause).toBeInstanceOf(TimedOut);
  expect([long.remainingMs, long.deadlineMs, short.remainingMs]).toEqual([7_000, 10_000, 0]);
  clock.advance(7_000);
  expect(long.cause).toBe(request.cause);
  expect(long.remainingMs).toBe(0);
  root.end();
  expect(clock.pending).toBe(0);
});

test('the tree can be read', () => {
  const clock = new ManualClock();
  const root = Ctx.root('gateway', clock);
  const first = root.child('GET /stream');
  first.child('encode').withTimeout(90_000);
  clock.advance(1_500);
  root.child('GET /events');
  expect(root.describe()).toEqual(['gateway (1.5 s)', '├─ GET /stream (1.5 s)', '│  └─ encode (1.5 s, 88.5 s left)', '└─ GET /events (0 ms)']);
  expect(root.describe(2)).toEqual(['gateway (1.5 s)', '├─ GET /stream (1.5 s)', '… and 2 more']);
  first.cancel(new SupersededBySeek());
  expect(first.describe()).toEqual(['GET /stream (1.5 s, cancelled: superseded by seek)']);
  expect(root.childCount).toBe(1);
});

test('a listener that fails keeps nobody from hearing', () => {
  const ctx = Ctx.root();
  const heard = vi.fn();
  ctx.onCancel(() => {
    throw new Error('not mine');
  });
  ctx.onCancel(heard);
  ctx.child('x').onCancel(heard);
  expect(() => ctx.end()).toThrow('not mine');
  expect(heard).toHaveBeenCalledTimes(2);
});

test('200,000 finished children leave nothing behind', () => {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  const collect = () => (typeof gc === 'function' ? Reflect.apply(gc, undefined, []) : undefined);
  const root = Ctx.root();
  const before = new WeakRef(root.child('probe'));
  before.deref()?.end();
  collect();
  const heapBefore = process.memoryUsage().heapUsed;
  for (let i = 0; i < 200_000; i += 1) {
    const child = root.child('request');
    child.onCancel(() => {});
    child.end();
  }
  collect();
  expect(root.childCount).toBe(0);
  // A retained child costs far more than 100 bytes.
  expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(200_000 * 100);
}, 30_000);
