import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, Ctx, newId } from '@reelay/runtime';
import { ManualClock } from '@reelay/runtime/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendFromFile, writeDirect } from '../http/direct-body.ts';
import { SegmentCache } from './segment-cache.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelay-cache-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const clock = new ManualClock();
const open = (maxBytes = 1_000_000, hotBytes = 0) => SegmentCache.open({ dir, maxBytes, hotBytes, clock, newId, logger: createLogger({ service: 'test', level: 'silent' }) });
const key = (name: string, version = 'v1') => ({ version, rendition: 'h360', name });
const bytes = (size: number, fill = 1) => new Uint8Array(size).fill(fill);
const files = async () => (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));

describe('the segment cache', () => {
  it('keeps pieces over a restart, and the first one under a key for ever', async () => {
    const cache = await open();
    const first = await cache.put(key('0'), bytes(100, 7));
    expect((await cache.put(key('0'), bytes(100, 8))).tag).toBe(first.tag);
    const again = await open();
    expect(await again.get(key('0'))).toMatchObject({ tag: first.tag });
    expect([...((await again.get(key('0')))?.bytes ?? [])]).toEqual([...bytes(100, 7)]);
    expect(await again.get(key('1'))).toBeNull();
    expect(again.stats()).toMatchObject({ diskBytes: 100, diskPieces: 1, diskHits: 2, misses: 1 });
  });
  it('of two that come at once, everybody gets the first', async () => {
    const cache = await open();
    const both = await Promise.all([cache.put(key('0'), bytes(100, 7)), cache.put(key('0'), bytes(100, 8))]);
    expect([both[1].tag, (await cache.get(key('0')))?.tag, (await (await open()).get(key('0')))?.tag]).toEqual([both[0].tag, both[0].tag, both[0].tag]);
  });
  it('forgets the least recently used, and stays within its bytes', async () => {
    const cache = await open(350);
    for (const name of ['0', '1', '2']) await cache.put(key(name), bytes(100, Number(name)));
    await cache.get(key('0'));
    await cache.put(key('3'), bytes(100, 3));
    expect([cache.has(key('0')), cache.has(key('1')), cache.has(key('2')), cache.has(key('3'))]).toEqual([true, false, true, true]);
    expect(await files()).toHaveLength(3);
  });
  it('the order of use survives a restart', async () => {
    const cache = await open(250);
    await cache.put(key('0'), bytes(100, 0));
    clock.advance(61_000);
    await cache.put(key('1'), bytes(100, 1));
    clock.advance(61_000);
    await cache.get(key('0'));
    const again = await open(250);
    await again.put(key('2'), bytes(100, 2));
    expect([again.has(key('0')), again.has(key('1')), again.has(key('2'))]).toEqual([true, false, true]);
  });
  it('removes half-written and damaged files', async () => {
    const cache = await open();
    for (const name of ['0', '1', '2']) await cache.put(key(name), bytes(100, Number(name)));
    const [cut = '', changed = ''] = (await files()).toSorted();
    await truncate(cut, 50);
    const content = await readFile(changed);
    content[3] = 99;
    await writeFile(changed, content);
    await writeFile(join(dir, 'v1/h360/.half.part'), 'x');
    await writeFile(join(dir, 'stray'), 'x');
    const again = await open();
    expect(await again.get(key('0'))).toBeNull();
    expect(await again.get(key('1'))).toBeNull();
    expect((await again.get(key('2')))?.bytes.length).toBe(100);
    expect(await files()).toHaveLength(1);
  });
  it('makes a piece once for all who ask, and again after a failure', async () => {
    const cache = await open(1_000_000, 1_000_000);
    let made = 0;
    const make = async () => {
      made += 1;
      if (made === 1) throw new Error('not yet');
      return bytes(10, made);
    };
    const failed = await Promise.allSettled(Array.from({ length: 5 }, () => cache.getOrMake(key('0'), make)));
    expect(failed.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'));
    const pieces = await Promise.all(Array.from({ length: 50 }, () => cache.getOrMake(key('0'), make)));
    expect([made, new Set(pieces.map(({ tag }) => tag)).size]).toEqual([2, 1]);
    await cache.getOrMake(key('0'), make);
    expect(cache.stats()).toMatchObject({ hotBytes: 10, diskBytes: 10, hotHits: 1 });
  });
  it('refuses a key that could leave its folder', async () => {
    const cache = await open();
    await expect(cache.put({ version: '..', rendition: 'a', name: '0' }, bytes(1))).rejects.toThrow(RangeError);
    await expect(cache.get({ version: 'v', rendition: 'a/b', name: '0' })).rejects.toThrow(RangeError);
  });
});

describe('what is sent from the disk', () => {
  it('stays there until it is asked for again soon, and a damaged piece is never sent', async () => {
    const warm = await open();
    for (const name of ['0', '1', '2', '3', '4', '5']) await warm.put(key(name), bytes(100, Number(name)));
    const [damaged = ''] = (await files()).toSorted();
    await writeFile(damaged, Buffer.alloc(100, 99));
    const cache = await open(1_000_000, 400);
    expect(await cache.find(key('0'))).toBeNull();
    const file = await cache.find(key('1'));
    expect(file).toMatchObject({ sizeBytes: 100, path: expect.stringContaining('/h360/1.100.') });
    // Four others in between are as many bytes as memory has room for.
    for (const name of ['2', '3', '4', '5']) expect(await cache.find(key(name))).toMatchObject({ sizeBytes: 100 });
    expect([await cache.find(key('1')), cache.stats().hotBytes]).toMatchObject([{ sizeBytes: 100 }, 0]);
    expect([await cache.find(key('1')), cache.stats().hotBytes]).toMatchObject([{ bytes: expect.any(Uint8Array) }, 100]);
    expect(await cache.find(key('9'))).toBeNull();
  });
  it('is looked at once, however many ask at the same time', async () => {
    await (await open()).put(key('0'), bytes(100, 7));
    const cache = await open();
    const found = await Promise.all(Array.from({ length: 20 }, () => cache.find(key('0'))));
    expect(new Set(found).size).toBe(1);
  });
  it('comes whole to a slow reader although it is evicted meanwhile', async () => {
    // More than the kernel keeps for a connection: what is not taken yet must still be read from the file.
    const content = randomBytes(32 * 1024 * 1024);
    const cache = await open(content.length + 100);
    const { path, sizeBytes } = await cache.put(key('0'), content).then(() => cache.fileOf(key('0'))) ?? { path: '', sizeBytes: 0 };
    const ctx = Ctx.root('a reader');
    const answers: ServerResponse[] = [];
    const server = createServer((_request, outgoing) => {
      answers.push(outgoing);
      void sendFromFile(outgoing, ctx, { path, start: 0, end: sizeBytes - 1, status: 200 }).then(() => writeDirect(outgoing, 200, { 'content-length': sizeBytes }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const [incoming] = (await once(get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
      await cache.put(key('1'), bytes(1_000));
      expect([cache.has(key('0')), await files()]).toEqual([false, [expect.stringContaining('/h360/1.1000.')]]);
      expect(answers.map(({ writableEnded }) => writableEnded)).toEqual([false]);
      const hash = createHash('sha256');
      for await (const chunk of incoming) hash.update(chunk as Buffer);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
    } finally {
      ctx.end();
      server.closeAllConnections();
      server.close();
    }
  });
});
