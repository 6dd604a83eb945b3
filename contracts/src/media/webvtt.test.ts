import { expect, test } from 'vitest';
import { parseCues, shiftCues, writeCues } from './webvtt.ts';

const texts = (source: string): [number, number, string][] => parseCues(source).map(({ startMs, endMs, text }) => [startMs, endMs, text]);

test('SubRip and WebVTT, as people and programs write them', () => {
  expect(texts('\uFEFF1\r\n00:00:01,000 --> 00:00:02,500\r\nHello\r\n\r\n2\r\n00:01:00,5 --> 00:01:01,000 X1:1\r\nTwo\r\nlines\r\n')).toEqual([[1000, 2500, 'Hello'], [60_500, 61_000, 'Two\nlines']]);
  const vtt = 'WEBVTT - title\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\nNOTE a note\nof two lines\n\nSTYLE\n::cue{}\n\nintro\n00:01.000 --> 00:02.000 line:0 align:start\n<b>Hi</b>\n';
  expect(parseCues(vtt)).toEqual([{ startMs: 1000, endMs: 2000, settings: 'line:0 align:start', text: '<b>Hi</b>' }]);
  expect(texts('1\n100:00:00,000 --> 100:00:01,000\nlate')).toEqual([[360_000_000, 360_001_000, 'late']]);
});

test('what would break a player is mended or left out', () => {
  expect(texts('1\n00:00:01.000 --> 00:00:02.000\nTop\n\nbelow an empty line\n\n2\n00:00:03.000 --> 00:00:04.000\nnext')).toEqual([[1000, 2000, 'Top\nbelow an empty line'], [3000, 4000, 'next']]);
  expect(texts('1\n00:00:02.000 --> 00:00:01.000\nbackwards\n\n2\n00:00:01.000 --> 00:00:02.000\n\n3\n00:00:05.000 --> 00:00:06.000\nm 0 0 l 100 0 100 100\n')).toEqual([]);
  expect(texts('1\n00:00:01.000 --> 00:00:02.000\na --> b')).toEqual([[1000, 2000, 'a → b']]);
  expect(texts('1\n00:00:01.000 --> 00:00:02.000 <script> onclick:x\nfine')).toEqual([[1000, 2000, 'fine']]);
  for (const rubbish of ['', 'WEBVTT', '\n\n\n', 'no subtitles here', '-->', '\0\0', '1\n99:99 --> x\ny']) expect(texts(rubbish)).toEqual([]);
  expect(texts('2\n00:00:05,000 --> 00:00:06,000\nsecond\n\n1\n00:00:01,000 --> 00:00:02,000\nfirst').map(([at]) => at)).toEqual([1000, 5000]);
});

test('a megabyte without a subtitle is read in no time', () => {
  for (const text of [' \n'.repeat(500_000), '00:00:0'.repeat(100_000), `1\n00:00:01,000 --> 00:00:02,000${' '.repeat(500_000)}x\ny`, `m 0 0${' 1'.repeat(300_000)}!`]) parseCues(text);
});

test('what is written is read again, on another clock as well', () => {
  const cues = [{ startMs: 3_599_000, endMs: 3_601_000, settings: '', text: 'over' }, { startMs: 3_605_004, endMs: 7_300_000, settings: 'line:0', text: 'a\nb' }];
  expect(parseCues(writeCues(cues, 'X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000'))).toEqual(cues);
  expect(writeCues(shiftCues(cues, -3_600_000))).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nover\n\n00:00:05.004 --> 01:01:40.000 line:0\na\nb\n');
  expect(shiftCues(cues, -3_601_000).map(({ text }) => text)).toEqual(['a\nb']);
});
