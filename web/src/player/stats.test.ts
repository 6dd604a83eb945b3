import type { StreamStats } from '@reelay/contracts';
import { expect, test } from 'vitest';
import type { StatsFacts } from './stats.ts';
import { statsRows } from './stats.ts';
import { aPlayback } from './testing.ts';

const stream: StreamStats = {
  state: 'open', nodeId: 'node-1', deviceId: 'cpu', encoder: 'libx264', viewers: 2, uptimeSeconds: 65, segments: 12, detail: null,
  heads: [{ renditionId: 'a0', state: 'running', encoder: 'aac', fps: null, speed: 30 }, { renditionId: 'h360', state: 'running', encoder: 'libx264', fps: 101.4, speed: 4.23 }],
};
const facts: StatsFacts = {
  playback: aPlayback({ mode: 'transcode', reason: 'HEVC is encoded while you watch.', renditions: [{ id: 'h360', label: '360p', width: 640, height: 360, kbps: 800, mode: 'encode' }] }),
  source: 'segments', fellBack: false, quality: 'auto', rendition: 'h360', width: 640, height: 360, bufferSeconds: 12.34, decodedFrames: 100, droppedFrames: 1,
  figures: { bandwidthKbps: 5200, codecs: 'avc1.4d401e, mp4a.40.2', library: 'hls.js 1.7.4' }, streams: [stream],
};
const row = (name: string, more: Partial<StatsFacts> = {}): string | undefined => statsRows({ ...facts, ...more }).find(([title]) => title === name)?.[1];

test('an encode: how it plays and why, and what the encoder does', () => {
  expect(statsRows(facts)).toEqual([
    ['Plays', 'Encoded while you watch'], ['Why', 'HEVC is encoded while you watch.'], ['Quality', 'Auto: 360p, 800 kbit/s'], ['Picture', '640×360'],
    ['Codecs', 'avc1.4d401e, mp4a.40.2'], ['Buffer', '12.3 s'], ['Bandwidth', '5.2 Mbit/s'], ['Pictures', '100 decoded, 1 dropped'], ['Played by', 'hls.js 1.7.4'],
    ['Encoder', 'libx264'], ['Node', 'node-1, cpu'], ['Speed', '4.2× real time, 101 fps'], ['Stream', '12 segments made, 2 watching, for 1 min 5 s'],
  ]);
});

test('what is not known is not shown', () => {
  expect(row('Encoder', { streams: null })).toBeUndefined();
  expect(row('Encoder', { streams: [] })).toBe('Not running: all that was asked for is there');
  expect(row('Node', { streams: [{ ...stream, nodeId: null, deviceId: null }] })).toBeUndefined();
  expect(row('Encoder', { streams: [{ ...stream, state: 'waiting', encoder: null, heads: [] }] })).toBe('Waiting for a place on a node');
  expect(row('Picture', { width: 0 })).toBe('–');
  const direct = aPlayback({ renditions: [{ id: 'v0', label: '1080p', width: 1920, height: 1080, kbps: 5000, mode: 'copy' }] });
  expect(row('Quality', { playback: direct, source: 'file', quality: 'original', rendition: 'original' })).toBe('Original: 1080p, 5.0 Mbit/s');
  expect(row('Encoder', { playback: direct, source: 'file' })).toBeUndefined();
  expect(row('Why', { playback: direct, source: 'ladder' })).toBe('A quality was chosen that the file does not have.');
  expect(row('Why', { playback: direct, source: 'ladder', fellBack: true })).toMatch(/could not play/);
});
