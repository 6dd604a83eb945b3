import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planStoryboard } from './thumbnail-generate/storyboard-plan.ts';
import { decodeText } from './validate/decode-text.ts';
import { findSidecars, sidecarOf } from './validate/sidecars.ts';

test.each([
  [5, 0.5, 10, 1, false], [30, 3, 10, 1, false], [64, 6.4, 10, 1, true], [600, 10, 60, 6, true], [2_400, 10, 240, 10, true], [10_800, 45, 240, 10, true], [0.04, 0.5, 1, 1, false],
])('a film of %f s has a picture every %f s, %i of them', (seconds, intervalSeconds, pictures, rows, keyframesOnly) => {
  expect(planStoryboard(seconds)).toMatchObject({ intervalSeconds, pictures, rows, keyframesOnly });
});

test('without a length there is no storyboard', () => {
  expect([planStoryboard(null), planStoryboard(0)]).toEqual([null, null]);
});

test.each([
  ['film.srt', null, false, false], ['film.en.srt', 'en', false, false], ['film.pt-BR.forced.vtt', 'pt-br', true, false], ['film.sdh.eng.SRT', 'eng', false, true],
])('%s is a subtitle file of film.mkv', (name, language, isForced, isForDeaf) => {
  expect(sidecarOf('library/videos/film.mkv', name, 3)).toEqual({ name: 'sidecar3', language, isForced, isForDeaf });
});

test.each(['film.mkv', 'film2.srt', 'film.txt', 'film.part 2.srt', 'film.en.fr.srt', 'filmsrt', '.srt'])('%s is none', (name) => {
  expect(sidecarOf('film.mkv', name, 0)).toBeNull();
});

test('they are looked for in the folder of the video; one that is not there has none', async () => {
  const root = mkdtempSync(join(tmpdir(), 'reelay-sidecars-'));
  mkdirSync(join(root, 'a/film.de.srt'), { recursive: true });
  for (const name of ['film.en.srt', 'film.mkv', 'other.srt']) writeFileSync(join(root, 'a', name), 'x');
  expect((await findSidecars(root, 'a/film.mkv')).inputs).toEqual([{ name: 'sidecar0', path: 'a/film.en.srt' }]);
  expect((await findSidecars(root, 'b/film.mkv')).inputs).toEqual([]);
  rmSync(root, { recursive: true });
});

test('text in the encodings of its day', () => {
  const utf16 = Buffer.from('\uFEFFé', 'utf16le');
  expect([decodeText(Buffer.from('é')), decodeText(Buffer.from('é', 'latin1')), decodeText(utf16), decodeText(utf16.swap16())].map((text) => text.replace('\uFEFF', ''))).toEqual(['é', 'é', 'é', 'é']);
});
