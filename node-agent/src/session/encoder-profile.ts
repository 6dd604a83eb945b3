import type { VideoRecipe } from '@reelay/contracts';

/**
 * How one encoder makes closed groups of pictures on the grid, with its parameter sets at every keyframe. Never with B
 * pictures: what is decoded is shown at once, so that every player agrees on the times (ffmpeg's own demuxer shows a
 * stream with negative offsets two pictures late, measured), and the first segment is ready sooner.
 */
export interface EncoderProfile {
  /** Before the input: the device that filters and encoder work on. */
  readonly device: readonly string[];
  /** At the end of the chain of filters. */
  readonly filters: readonly string[];
  readonly codec: readonly string[];
}

const REPEAT_HEADERS = ['-bsf:v', 'dump_extra=freq=keyframe'];
const levelText = (level: number): string => `${Math.floor(level / 10)}.${level % 10}`;

/**
 * libx264 by default. Its preset is what the host can do in real time: the pictures a second that it has to make, for each core
 * (measured on two shared cores: 1080p30 ultrafast 2.2 times real time, veryfast 0.7; 720p superfast 1.9; 360p veryfast 3.6).
 */
function softwarePreset({ width, height, grid }: VideoRecipe, cpus: number, urgent: boolean): string {
  const load = (width * height * grid.frameRate.num) / grid.frameRate.den / Math.max(1, cpus);
  if (load > 20e6) return 'ultrafast';
  if (load > 7e6 || urgent) return 'superfast';
  return 'veryfast';
}

export function encoderProfile(encoder: string, recipe: VideoRecipe, host: { gpuIndex: number | null; cpus: number; urgent: boolean }): EncoderProfile {
  const level = levelText(recipe.level);
  switch (encoder) {
    case 'h264_nvenc':
      return {
        device: [], filters: ['format=yuv420p'],
        codec: ['-c:v', 'h264_nvenc', ...(host.gpuIndex === null ? [] : ['-gpu', String(host.gpuIndex)]), '-preset', 'p3', '-tune', 'll', '-rc', 'vbr', '-profile:v', 'high', '-level', level,
          '-bf', '0', '-no-scenecut', '1', '-forced-idr', '1', '-rc-lookahead', '0', ...REPEAT_HEADERS],
      };
    case 'h264_qsv':
      return {
        device: [], filters: ['format=nv12'],
        codec: ['-c:v', 'h264_qsv', '-preset', 'veryfast', '-profile:v', 'high', '-level', level, '-bf', '0', '-forced_idr', '1', '-adaptive_i', '0', '-b_strategy', '0', '-look_ahead', '0', ...REPEAT_HEADERS],
      };
    case 'h264_vaapi':
      return {
        device: ['-vaapi_device', '/dev/dri/renderD128'], filters: ['format=nv12', 'hwupload'],
        codec: ['-c:v', 'h264_vaapi', '-profile:v', 'high', '-level', String(recipe.level), '-bf', '0', '-idr_interval', '0', ...REPEAT_HEADERS],
      };
    default:
      return {
        device: [], filters: ['format=yuv420p'],
        codec: ['-c:v', 'libx264', '-preset', softwarePreset(recipe, host.cpus, host.urgent), '-profile:v', 'high', '-level:v', level, '-sc_threshold', '0', '-bf', '0',
          '-keyint_min', String(recipe.grid.gopFrames), '-x264-params', 'repeat-headers=1:rc-lookahead=10'],
      };
  }
}
