import { expect, test } from 'vitest';
import { parseProgress, ProgressParser } from './progress.ts';

const BLOCK = `frame=120
fps=59.94
stream_0_0_q=28.0
bitrate= 812.3kbits/s
total_size=1048576
out_time_us=4004000
out_time_ms=4004000
out_time=00:00:04.004000
dup_frames=0
drop_frames=0
speed=2.01x
progress=continue
`;

test('a block becomes one report', () => {
  expect(parseProgress(BLOCK)).toEqual([{ outTimeMs: 4004, frame: 120, fps: 59.94, speed: 2.01, totalSizeBytes: 1_048_576, done: false }]);
});

test('what ffmpeg does not know is null', () => {
  expect(parseProgress('out_time_us=N/A\nspeed=N/A\ntotal_size=N/A\nprogress=end')).toEqual([
    { outTimeMs: null, frame: null, fps: null, speed: null, totalSizeBytes: null, done: true },
  ]);
});

test('chunks may cut anywhere', () => {
  const parser = new ProgressParser();
  const reports = Array.from(BLOCK + BLOCK, (char) => parser.push(char)).flat();
  expect(reports).toHaveLength(2);
  expect(reports[1]).toEqual(parseProgress(BLOCK)[0]);
});

test('old versions have microseconds in out_time_ms, and a negative start counts as zero', () => {
  expect(parseProgress('out_time_ms=1500000\nprogress=continue')[0]?.outTimeMs).toBe(1500);
  expect(parseProgress('out_time_us=-23000\nprogress=continue')[0]?.outTimeMs).toBe(0);
});
