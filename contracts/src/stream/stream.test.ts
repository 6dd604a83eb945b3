import { assert, constantFrom, double, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audioGrid, gridSegment, gridSegments, segmentAt, segmentCount, videoGrid } from './grid.ts';
import { ladderFor } from './ladder.ts';

const source = (displayWidth: number, displayHeight: number, fps = 30) => ({ displayWidth, displayHeight, frameRate: { num: fps, den: 1 } });

describe('the ladder', () => {
  it('never scales up, and has a rung of the source’s own size', () => {
    expect(ladderFor(source(1920, 1080)).map(({ id, width, height }) => [id, width, height])).toEqual([
      ['h240', 426, 240], ['h360', 640, 360], ['h480', 854, 480], ['h720', 1280, 720], ['h1080', 1920, 1080],
    ]);
    expect(ladderFor(source(100, 60))).toMatchObject([{ id: 'h240', width: 100, height: 60 }]);
    expect(ladderFor(source(1000, 500)).at(-1)).toMatchObject({ id: 'h720', width: 1000, height: 500 });
  });
  it('goes by the smaller side, takes odd sizes to even ones, and gives fast pictures more bits', () => {
    expect(ladderFor(source(1080, 1920)).at(-1)).toMatchObject({ id: 'h1080', width: 1080, height: 1920 });
    expect(ladderFor(source(853, 479)).at(-1)).toMatchObject({ width: 854, height: 480 });
    expect(ladderFor(source(640, 360, 60)).at(-1)?.videoKbps).toBe(1_200);
    expect(ladderFor({ displayWidth: null, displayHeight: null, frameRate: null })).toEqual([]);
  });
});

describe('the grid', () => {
  const rates = constantFrom({ num: 24_000, den: 1_001 }, { num: 24, den: 1 }, { num: 25, den: 1 }, { num: 30_000, den: 1_001 }, { num: 30, den: 1 }, { num: 60, den: 1 }, { num: 15, den: 1 });

  it('of 23.976 pictures a second is exact', () => {
    const grid = videoGrid({ frameRate: { num: 24_000, den: 1_001 }, durationSeconds: 60, targetSeconds: 6 });
    expect(grid).toMatchObject({ gopFrames: 144, timescale: 24_000, frameTicks: 1_001 });
    expect(gridSegment(grid, 1)).toMatchObject({ startTicks: 144_144, durationSeconds: 6.006 });
  });
  it('covers every picture and AAC frame once; sound and pictures are cut within half an AAC frame of each other', () => {
    assert(property(rates, double({ min: 0.05, max: 8_000, noNaN: true }), constantFrom(44_100, 48_000, 32_000), constantFrom(2, 4, 6), (frameRate, durationSeconds, sampleRate, targetSeconds) => {
      const video = videoGrid({ frameRate, durationSeconds, targetSeconds });
      const audio = audioGrid(video, { sampleRate, durationSeconds });
      for (const grid of [video, audio]) {
        const segments = gridSegments(grid);
        expect(segments.length).toBe(segmentCount(grid));
        const gapless = segments.every(({ first, end }, n) => first === (segments[n - 1]?.end ?? 0) && end > first);
        expect([gapless, segments.at(-1)?.end]).toEqual([true, grid.frames]);
      }
      const shared = Math.min(segmentCount(video), segmentCount(audio));
      for (const n of [1, Math.floor(shared / 2), shared - 1]) {
        const [seen, heard] = [gridSegment(video, n), gridSegment(audio, n)];
        if (!seen || !heard) continue;
        expect(Math.abs(seen.startTicks / video.timescale - heard.startTicks / sampleRate)).toBeLessThanOrEqual(512 / sampleRate + 1e-9);
        expect(segmentAt(video, seen.startTicks / video.timescale)).toBe(n);
      }
    }), { numRuns: 300 });
  });
});
