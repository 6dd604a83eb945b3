import { expect, test } from 'vitest';
import { ago, bitrate, bytes, clock, megabytes, parseStart, plural, remaining, secondsBetween, span } from './format.ts';

test('positions', () => {
  expect([clock(0), clock(7.9), clock(754), clock(3723), clock(null), clock(-5), clock(Number.NaN)]).toEqual(['0:00', '0:07', '12:34', '1:02:03', '–', '0:00', '–']);
});

test('lengths of time', () => {
  expect([span(0), span(0.42), span(12), span(60), span(184), span(7500), span(100_800), span(-9)])
    .toEqual(['0 s', '0.4 s', '12 s', '1 min', '3 min 4 s', '2 h 5 min', '1 d 4 h', '0 s']);
  expect([remaining(3), remaining(31), remaining(100), remaining(3700), remaining(-1)])
    .toEqual(['a few seconds left', 'about 40 s left', 'about 2 min left', 'about 1 h 2 min left', 'a few seconds left']);
});

test('sizes and rates', () => {
  expect([bytes(0), bytes(999), bytes(1000), bytes(25_300_000), bytes(999_950_000), bytes(5e13)]).toEqual(['0 B', '999 B', '1.0 KB', '25.3 MB', '1.0 GB', '50.0 TB']);
  expect([megabytes(640), megabytes(4000), megabytes(15_600)]).toEqual(['640 MB', '4 GB', '15.6 GB']);
  expect([bitrate(128), bitrate(2500)]).toEqual(['128 kbit/s', '2.5 Mbit/s']);
  expect([plural(1, 'job'), plural(1234, 'job')]).toEqual(['1 job', '1,234 jobs']);
});

test('a clock that is behind never shows a negative duration', () => {
  expect(ago(2000, 1000)).toBe('just now');
  expect(secondsBetween('2026-02-13T10:30:10Z', '2026-02-13T10:30:00Z', 0)).toBe(0);
  expect(secondsBetween('2026-02-13T10:30:10Z', null, 0)).toBe(0);
});

test('start positions in links', () => {
  expect([parseStart('90'), parseStart('90.5s'), parseStart('1m30s'), parseStart('1h2m3s'), parseStart('1:02:03'), parseStart('2:05')]).toEqual([90, 90.5, 90, 3723, 3723, 125]);
  expect([parseStart(''), parseStart('abc'), parseStart('-5'), parseStart('1:2:3:4')]).toEqual([null, null, null, null]);
});
