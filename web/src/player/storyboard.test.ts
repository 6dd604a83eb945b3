import { expect, test } from 'vitest';
import { parseStoryboard, tileAt } from './storyboard.ts';

const BASE = 'https://host/stream/1/abc/storyboard.vtt';
const TEXT = [
  'WEBVTT', '', 'NOTE made by hand', '', '1', '00:00:00.000 --> 00:00:10.000', 'storyboard-0.jpg#xywh=0,0,160,90', '',
  '00:10.000 --> 00:20.000 align:start', 'storyboard-0.jpg#xywh=160,0,160,90', '', '01:00:00.000 --> 01:00:10.500', 'storyboard-1.jpg#xywh=pixel:0,90,160,90', '',
  '02:00:00.000 --> 02:00:10.000', 'no part of a picture', '',
].join('\r\n');

test('reads times, addresses and places', () => {
  const tiles = parseStoryboard(TEXT, BASE);
  expect(tiles).toHaveLength(3);
  expect(tiles[1]).toEqual({ startSeconds: 10, endSeconds: 20, url: 'https://host/stream/1/abc/storyboard-0.jpg', x: 160, y: 0, width: 160, height: 90 });
  expect(tiles[2]).toMatchObject({ startSeconds: 3600, endSeconds: 3610.5, y: 90 });
});

test('the picture of a time is the last that has begun', () => {
  const tiles = parseStoryboard(TEXT, BASE);
  expect(tileAt(tiles, 0)?.x).toBe(0);
  expect(tileAt(tiles, 9.99)?.x).toBe(0);
  expect(tileAt(tiles, 10)?.x).toBe(160);
  expect(tileAt(tiles, 3000)?.x).toBe(160);
  expect(tileAt(tiles, 9000)?.startSeconds).toBe(3600);
  expect(tileAt([], 5)).toBeNull();
});

test('what is no storyboard has no tiles', () => {
  expect(parseStoryboard('', BASE)).toEqual([]);
  expect(parseStoryboard('<!doctype html>', BASE)).toEqual([]);
  expect(parseStoryboard('WEBVTT\n\n00:00.000 --> 00:01.000\nHello', BASE)).toEqual([]);
});
