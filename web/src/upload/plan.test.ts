import { expect, test } from 'vitest';
import { fingerprint, metadataOf, nextChunk, pauseMs, stepAfter } from './plan.ts';

const MIB = 1024 ** 2;

test('pieces come to take about two seconds, within bounds', () => {
  let chunk = 4 * MIB;
  // 10 MiB a second.
  for (let n = 0; n < 10; n += 1) chunk = nextChunk(chunk, (chunk / (10 * MIB)) * 1000);
  expect(chunk / MIB).toBeCloseTo(20, 0);
  // 100 KiB a second.
  for (let n = 0; n < 10; n += 1) chunk = nextChunk(chunk, (chunk / (100 * 1024)) * 1000);
  expect(chunk).toBe(MIB);
  expect(nextChunk(40 * MIB, 0)).toBe(64 * MIB);
});

test('what an answer means', () => {
  expect([0, 423, 409, 429, 500, 502, 503, 504].map(stepAfter)).toEqual(Array.from({ length: 8 }, () => 'again'));
  expect([404, 410].map(stepAfter)).toEqual(['anew', 'anew']);
  expect([400, 401, 403, 413, 415, 422, 507].map(stepAfter)).toEqual(Array.from({ length: 7 }, () => 'fail'));
});

test('pauses grow to 15 s, and differ', () => {
  expect([0, 1, 2, 3].map((failures) => pauseMs(failures, 0))).toEqual([250, 500, 1000, 2000]);
  expect([pauseMs(50, 0), pauseMs(50, 1)]).toEqual([15_000, 10_000]);
});

test('the same file is known again; a name of any script travels', () => {
  const file = { name: 'ünïcödé 🎬.mkv', size: 7, lastModified: 9, type: 'video/x-matroska' };
  expect(fingerprint(file)).toBe(fingerprint({ ...file }));
  expect(fingerprint({ ...file, lastModified: 10 })).not.toBe(fingerprint(file));
  expect(Buffer.from(metadataOf(file.name).replace('filename ', ''), 'base64').toString()).toBe(file.name);
});
