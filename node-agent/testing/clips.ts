import { execFileSync } from 'node:child_process';

export interface ClipOptions {
  seconds?: number;
  size?: string;
  video?: readonly string[];
  /** [] for no sound. */
  audio?: readonly string[];
  more?: readonly string[];
}

const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'];
const AAC = ['-c:a', 'aac', '-b:a', '64k'];

/** Makes a clip with a moving picture and a tone; the container follows the name. Synchronous, a fraction of a second. */
export function makeClip(path: string, { seconds = 2, size = '320x180', video = H264, audio = AAC, more = [] }: ClipOptions = {}): string {
  const picture = video.length > 0 ? ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${seconds}`] : [];
  const tone = audio.length > 0 ? ['-f', 'lavfi', '-i', `sine=f=440:d=${seconds}`] : [];
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...picture, ...tone, ...video, ...audio, ...more, `file:${path}`]);
  return path;
}
