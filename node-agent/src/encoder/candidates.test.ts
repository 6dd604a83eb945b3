import { describe, expect, it } from 'vitest';
import { parseNvidiaSmi } from '../devices/nvidia-smi.ts';
import { bestEncoder, encoderCandidates, encoderFor } from './candidates.ts';

const devices = parseNvidiaSmi('GPU-a, 0, A, 8000, 8000, 0, 30\nGPU-b, 1, B, 8000, 8000, 0, 30');
const trial = (encoder: string, ok: boolean, deviceId: string | null = null) => ({ encoder, ok, deviceId, reason: null });

describe('encoderCandidates', () => {
  it('skips hardware that is not there and says why', () => {
    expect(encoderCandidates([], false).map(({ encoder, skipped }) => [encoder, skipped])).toEqual([
      ['h264_nvenc', 'no NVIDIA device'], ['h264_qsv', 'no /dev/dri'], ['h264_vaapi', 'no /dev/dri'], ['libx264', null],
    ]);
  });
  it('tries NVENC once on each NVIDIA device', () => {
    const nvenc = encoderCandidates(devices, true).filter(({ encoder }) => encoder === 'h264_nvenc');
    expect(nvenc.map(({ args }) => args[args.indexOf('-gpu') + 1])).toEqual(['0', '1']);
  });
});

describe('the choice', () => {
  const trials = [trial('h264_nvenc', true, 'GPU-a'), trial('h264_nvenc', false, 'GPU-b'), trial('h264_qsv', false), trial('libx264', true)];
  it('is the best that works anywhere for the node, and on that device for a job', () => {
    expect(bestEncoder(trials)).toBe('h264_nvenc');
    expect(encoderFor(trials, 'GPU-a')).toBe('h264_nvenc');
    expect(encoderFor(trials, 'GPU-b')).toBe('libx264');
    expect(encoderFor(trials, 'software')).toBe('libx264');
    expect(bestEncoder([trial('libx264', false)])).toBeNull();
  });
});
