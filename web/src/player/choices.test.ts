import type { Playback, PlaybackAudioTrack, PlaybackRendition, PlaybackSubtitle } from '@reelay/contracts';
import { expect, test } from 'vitest';
import { aPlayback } from './testing.ts';
import { AUTO, ORIGINAL, audioChoices, firstAudio, firstQuality, firstSubtitle, qualityChoices, qualityShown, speedAfter, subtitleChoices } from './choices.ts';

const rung = (height: number, kbps: number): PlaybackRendition => ({ id: `h${height}`, label: `${height}p`, width: height * 2, height, kbps, mode: 'encode' });
const own: PlaybackRendition = { id: 'v0', label: '1080p', width: 1920, height: 1080, kbps: 5000, mode: 'copy' };
const remux = (more: Partial<Playback> = {}): Playback => aPlayback({ mode: 'remux', ladderUrl: '/stream/1/t/master.m3u8', renditions: [own, rung(1080, 4500), rung(720, 2500)], ...more });
const ids = (playback: Playback, picks = true): string[] => qualityChoices(playback, picks).map(({ id }) => id);

test('an encoded video offers Auto and its rungs', () => {
  const playback = aPlayback({ mode: 'transcode', renditions: [rung(720, 2500), rung(360, 800)] });
  expect(ids(playback)).toEqual(['auto', 'h720', 'h360']);
  expect(firstQuality(playback)).toBe(AUTO);
  expect(qualityShown(playback, AUTO, 'h360')).toBe('Auto (360p)');
  expect(qualityShown(playback, AUTO, null)).toBe('Auto');
  expect(qualityShown(playback, 'h720', 'h360')).toBe('720p');
});

test('a video that plays as it is offers the original, and what is smaller', () => {
  expect(ids(remux())).toEqual(['original', 'auto', 'h720']);
  expect(ids(remux({ renditions: [{ ...own, kbps: 20_000 }, rung(1080, 4500)] }))).toEqual(['original', 'auto', 'h1080']);
  expect(ids(remux({ ladderUrl: null, renditions: [own] }))).toEqual(['original']);
  expect(ids(remux(), false)).toEqual(['original', 'auto']);
  expect(firstQuality(remux())).toBe(ORIGINAL);
  expect(qualityChoices(remux(), true)[0]).toEqual({ id: 'original', label: 'Original (1080p)', detail: '5.0 Mbit/s' });
  expect(qualityShown(remux(), ORIGINAL, null)).toBe('Original');
});

const audio = (id: string, language: string | null, more: Partial<PlaybackAudioTrack> = {}): PlaybackAudioTrack => ({ id, label: language ?? id, language, codec: 'aac', channels: 2, isDefault: id === 'a0', mode: 'copy', ...more });
const text = (id: string, language: string | null, more: Partial<PlaybackSubtitle> = {}): PlaybackSubtitle => ({ id, label: language ?? id, language, isDefault: false, isForced: false, url: `/s/${id}`, ...more });

test('sound: the language chosen last, by any of its codes, else the default', () => {
  const tracks = [audio('a0', 'eng'), audio('a1', 'ger')];
  expect(firstAudio(tracks, 'de')?.id).toBe('a1');
  expect(firstAudio(tracks, 'fr')?.id).toBe('a0');
  expect(firstAudio(tracks, null)?.id).toBe('a0');
  expect(firstAudio([], 'de')).toBeNull();
  expect(audioChoices([audio('a0', 'eng', { channels: 6, codec: 'ac3' }), audio('a1', 'ger', { label: 'Commentary' }), audio('a2', null, { label: 'Audio 3' })])).toEqual([
    { id: 'a0', label: 'English', detail: 'AC3 5.1' }, { id: 'a1', label: 'Commentary (German)', detail: 'AAC Stereo' }, { id: 'a2', label: 'Audio 3', detail: 'AAC Stereo' },
  ]);
});

test('subtitles: off, unless forced ones belong to the sound, or a language was chosen', () => {
  const tracks = [text('s0', 'eng'), text('s1', 'eng', { isForced: true }), text('s2', 'deu')];
  expect(firstSubtitle(tracks, null, 'eng')?.id).toBe('s1');
  expect(firstSubtitle(tracks, null, 'deu')).toBeNull();
  expect(firstSubtitle(tracks, 'off', 'eng')).toBeNull();
  expect(firstSubtitle(tracks, 'de', 'eng')?.id).toBe('s2');
  expect(firstSubtitle(tracks, 'en', 'eng')?.id).toBe('s0');
  expect(firstSubtitle(tracks, 'fr', 'eng')).toBeNull();
  expect(subtitleChoices(tracks).map(({ label }) => label)).toEqual(['Off', 'English', 'English', 'German']);
});

test('speeds go up and down by one, and stop at the ends', () => {
  expect([speedAfter(1, 1), speedAfter(1, -1), speedAfter(3, 1), speedAfter(0.25, -1), speedAfter(1.1, 1), speedAfter(1.1, -1)]).toEqual([1.25, 0.75, 3, 0.25, 1.25, 1]);
});
