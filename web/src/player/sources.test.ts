import { expect, test } from 'vitest';
import { AUTO, ORIGINAL } from './choices.ts';
import { signedUrlOf, sourcesFor } from './sources.ts';
import { aPlayback } from './testing.ts';

const NONE = new Set<never>();
const ladderUrl = '/stream/1/t/master.m3u8';

test('the file first, then other ways to the same pictures, then encoded ones', () => {
  const direct = aPlayback({ ladderUrl });
  expect(sourcesFor(direct, ORIGINAL, false, NONE)).toEqual(['file', 'segments', 'ladder']);
  expect(sourcesFor(direct, ORIGINAL, false, new Set(['file', 'segments'] as const))).toEqual(['ladder']);
  expect(sourcesFor(direct, 'h360', false, NONE)).toEqual(['ladder', 'file', 'segments']);
  expect(sourcesFor(aPlayback({ mode: 'remux', ladderUrl }), ORIGINAL, false, NONE)).toEqual(['segments', 'file', 'ladder']);
});

test('another sound track of a file needs segments', () => {
  expect(sourcesFor(aPlayback(), ORIGINAL, true, NONE)).toEqual(['segments', 'file']);
  expect(sourcesFor(aPlayback({ masterUrl: null, ladderUrl }), ORIGINAL, true, NONE)).toEqual(['ladder', 'file']);
});

test('what must be encoded has one source', () => {
  expect(sourcesFor(aPlayback({ mode: 'transcode', fileUrl: null }), AUTO, false, NONE)).toEqual(['segments']);
  expect(sourcesFor(aPlayback({ mode: 'none', fileUrl: null, masterUrl: null }), ORIGINAL, false, NONE)).toEqual([]);
});

test('a player that sends no cookies has the token in every address', () => {
  const masterUrl = '/stream/1/c/master.m3u8';
  const playback = aPlayback({ mode: 'remux', masterUrl, ladderUrl, signedMasterUrl: `/s/token${masterUrl}` });
  expect([signedUrlOf(playback, 'segments'), signedUrlOf(playback, 'ladder')]).toEqual([`/s/token${masterUrl}`, `/s/token${ladderUrl}`]);
  expect([signedUrlOf({ ...playback, signedMasterUrl: null }, 'segments'), signedUrlOf({ ...playback, ladderUrl: null }, 'ladder')]).toEqual([masterUrl, null]);
});
