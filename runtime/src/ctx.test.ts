import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { ClientGone, Shutdown, TimedOut } from './causes.ts';
import { Ctx } from './ctx.ts';

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
