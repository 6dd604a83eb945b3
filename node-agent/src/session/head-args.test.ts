import { type VideoRecipe, videoGrid } from '@reelay/contracts';
import { describe, expect, it } from 'vitest';
import { headArgs } from './head-args.ts';
import { pipeArgs } from './pipe-args.ts';

const recipe: VideoRecipe = {
  kind: 'video', streamIndex: 0, grid: videoGrid({ frameRate: { num: 25, den: 1 }, durationSeconds: 60, targetSeconds: 2 }), width: 320, height: 180, videoKbps: 300, maxKbps: 600, level: 13,
  rotationDegrees: 0, deinterlace: false, toneMap: null,
};
const input = { input: 'file:/a.ts', inputOptions: [], originSeconds: 11.5, fileStartSeconds: 11.4, encoder: 'libx264', gpuIndex: null, cpus: 2, canToneMap: true };
const seekOf = (from: number, prerollSeconds?: number): string | null => {
  const args = headArgs({ ...recipe, ...(prerollSeconds === undefined ? {} : { prerollSeconds }) }, { ...input, from, urgent: false });
  const at = args.indexOf('-ss');
  return at < 0 ? null : (args[at + 1] ?? null);
};

describe('where a head begins to read', () => {
  it('is half a picture ahead of its first one, and a group earlier where the demuxer does not land on keyframes', () => {
    expect(seekOf(0)).toBeNull();
    expect(seekOf(5)).toBe('10.080000');
    expect(seekOf(5, 2.5)).toBe('7.580000');
    expect(seekOf(1, 2.5)).toBeNull();
    expect(seekOf(0, 2.5)).toBeNull();
  });
  it('is the same for a pipe, which drops what comes before its place', () => {
    const args = pipeArgs({ video: { ...recipe, prerollSeconds: 2.5 }, audio: null }, { ...input, startSeconds: 10 });
    expect(args.flatMap((arg, i) => (arg === '-ss' ? [args[i + 1]] : []))).toEqual(['7.600000', '2.500000']);
    expect(args.indexOf('-i')).toBeLessThan(args.lastIndexOf('-ss'));
  });
});
