/** Clips made with ffmpeg at test time, so that a fresh clone needs no media. */
import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ffmpegPath = process.env['FFMPEG_PATH'] ?? 'ffmpeg';

export interface ClipOptions {
  seconds?: number;
  size?: string;
  rate?: string;
  audio?: boolean;
  /** Encoder arguments after the inputs. */
  codecs?: string[];
}

const H264_AAC = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '64k'];

/** Encodes a moving test picture with a tone into `path`; the container follows the suffix. */
export const makeClip = async (path: string, options: ClipOptions = {}): Promise<string> => {
  const { seconds = 4, size = '320x180', rate = '25', audio = true, codecs = H264_AAC } = options;
  const inputs = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`];
  if (audio) inputs.push('-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`);
  await run(ffmpegPath, ['-nostdin', '-v', 'error', '-y', ...inputs, ...codecs, '-shortest', `file:${path}`]);
  return path;
};

const VP9_OPUS = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k', '-c:a', 'libopus'];
const MPEG4_MP3 = ['-c:v', 'mpeg4', '-q:v', '5', '-c:a', 'libmp3lame'];

/** How a hostile file must end. */
export interface HostileFile {
  name: string;
  path: string;
  /** Modes of playback that are right for it; `invalid` = valid:false with a reason. */
  expected: 'direct' | 'remux' | 'transcode' | 'invalid' | 'refused';
}

/** One of each container, odd names, and files that are no media. */
export const makeHostileFiles = async (folder: string): Promise<HostileFile[]> => {
  const at = (name: string): string => join(folder, name);
  const mp4 = await makeClip(at('plain.mp4'), { seconds: 3 });
  const files: HostileFile[] = [{ name: 'plain.mp4', path: mp4, expected: 'direct' }];
  const make = async (name: string, expected: HostileFile['expected'], options: ClipOptions = {}): Promise<void> => {
    files.push({ name, path: await makeClip(at(name), { seconds: 3, ...options }), expected });
  };
  await make('matroska.mkv', 'remux');
  await make('quicktime.mov', 'remux');
  await make('web.webm', 'direct', { codecs: VP9_OPUS });
  await make('transport.ts', 'remux');
  await make('flash.flv', 'remux', { codecs: [...H264_AAC, '-ar', '44100'] });
  await make('old.avi', 'transcode', { codecs: MPEG4_MP3 });
  await make('no audio.mp4', 'direct', { audio: false });
  for (const name of [`it's "quoted" & spaced.mp4`, 'ünïcödé 日本語 🎬.mp4', '-leading-dash.mp4', 'percent %d 100%.mp4', 'colon:in:name.mp4']) {
    await copyFile(mp4, at(name));
    files.push({ name, path: at(name), expected: 'direct' });
  }
  const whole = await readFile(mp4);
  await writeFile(at('truncated.mp4'), whole.subarray(0, Math.floor(whole.length / 2)));
  files.push({ name: 'truncated.mp4', path: at('truncated.mp4'), expected: 'invalid' });
  await writeFile(at('text.mp4'), 'This is a letter, not a film.\n');
  files.push({ name: 'text.mp4', path: at('text.mp4'), expected: 'invalid' });
  await writeFile(at('empty.mp4'), '');
  files.push({ name: 'empty.mp4', path: at('empty.mp4'), expected: 'refused' });
  return files;
};
