import { describe, expect, it } from 'vitest';
import { ManualClock } from '@reelay/runtime/testing';
import { ReadBuffers, type ReadLease } from './read-buffers.ts';

const BYTES = 64 * 1024;

function create(count = 2) {
  const clock = new ManualClock();
  const buffers = new ReadBuffers({ count, bytes: BYTES, patienceMs: 250, clock });
  /** Holds what it takes until it is told to let go. */
  const hold = (length = BYTES) =>
    new Promise<{ memory: ArrayBufferLike; lease: ReadLease; letGo: () => Promise<void> }>((took, failed) => {
      const ended: Promise<void> = buffers.lendFor(async (lease) => {
        const { buffer: memory } = await lease.take(length);
        await new Promise<void>((over) => {
          took({ memory, lease, letGo: () => (over(), ended) });
        });
      });
      ended.catch(failed);
    });
  return { clock, buffers, hold };
}

describe('ReadBuffers', () => {
  it('lends the same memory again', async () => {
    const { hold } = create();
    const first = await hold();
    await first.letGo();
    const second = await hold(BYTES / 2);
    expect(second.memory).toBe(first.memory);
    await second.letGo();
  });

  it('never lends one memory to two', async () => {
    const { hold } = create();
    const [a, b] = await Promise.all([hold(), hold()]);
    expect(a.memory).not.toBe(b.memory);
  });

  it('hands what comes back to who has waited longest', async () => {
    const { hold } = create(1);
    const first = await hold();
    const [second, third] = [hold(), hold()];
    await first.letGo();
    const next = await second;
    expect(next.memory).toBe(first.memory);
    await next.letGo();
    expect((await third).memory).toBe(first.memory);
  });

  it('gives new memory to who has waited long enough, and keeps the old for others', async () => {
    const { clock, hold } = create(1);
    const first = await hold();
    const impatient = hold();
    clock.advance(250);
    const second = await impatient;
    expect(second.memory).not.toBe(first.memory);
    await first.letGo();
    expect((await hold()).memory).toBe(first.memory);
  });

  it('lets nobody wait twice', async () => {
    const { clock, hold } = create(1);
    const first = await hold();
    const impatient = hold();
    clock.advance(250);
    const { memory, lease } = await impatient;
    const more = await lease.take(BYTES);
    expect(new Set([first.memory, memory, more.buffer]).size).toBe(3);
  });

  it('lets nobody wait who holds some: two could wait for each other', async () => {
    const { hold } = create(2);
    const [a, b] = await Promise.all([hold(), hold()]);
    const more = await Promise.all([a.lease.take(BYTES), b.lease.take(BYTES)]);
    expect(new Set([a.memory, b.memory, ...more.map(({ buffer }) => buffer)]).size).toBe(4);
  });

  it('takes back what was lent when the work fails', async () => {
    const { buffers, hold } = create(1);
    let lent: ArrayBufferLike | null = null;
    await expect(buffers.lendFor(async (lease) => {
      lent = (await lease.take(BYTES)).buffer;
      throw new RangeError('torn');
    })).rejects.toThrow(RangeError);
    expect((await hold()).memory).toBe(lent);
  });

  it.each([['more than a buffer holds', BYTES + 1], ['next to nothing', 100], ['nothing', 0]])('gives exactly as much memory for %s', async (_, length) => {
    const { buffers } = create(1);
    await buffers.lendFor(async (lease) => {
      expect((await lease.take(length)).buffer.byteLength).toBe(length);
    });
  });
});
