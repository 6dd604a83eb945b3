/** Where the files of the sweep are made: one folder, clips with a flash and a beep at every whole second, and other people's muxers. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Randomness } from '../../kit/random.ts';
import { FFMPEG, isThere, tool } from './tools.ts';

export interface Picture {
  seconds?: number;
  rate?: string;
  size?: string;
  /** Behind the picture. */
  filter?: string;
}

export const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '63', '-pix_fmt', 'yuv420p', '-x264-params', 'b-adapt=0'];
export const AAC = ['-c:a', 'aac', '-b:a', '64k'];
const SECONDS = 9;

/** What a recipe works with. */
export class Workshop {
  readonly folder: string;
  readonly random: Randomness;

  constructor(folder: string, random: Randomness) {
    this.folder = folder;
    this.random = random;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async ffmpeg(...args: readonly string[]): Promise<void> {
    await tool(FFMPEG, ['-nostdin', '-v', 'error', '-y', '-threads', '2', ...args], { limitMs: 90_000 });
  }

  /** A clip for several recipes, made once. */
  async shared(name: string, make: (path: string) => Promise<void>): Promise<string> {
    const path = this.path(join('shared', name));
    if (existsSync(path)) return path;
    await mkdir(dirname(path), { recursive: true });
    const half = this.path(join('shared', `half-${name}`));
    await make(half);
    await rename(half, path);
    return path;
  }

  /** H.264 with B pictures and AAC, 9 s, a keyframe every two seconds. */
  base(name = 'base.mp4', ...more: readonly string[]): Promise<string> {
    return this.shared(name, (path) => this.ffmpeg(...picture(), ...sound(), ...X264, ...AAC, ...more, path));
  }

  /** mkvmerge ends with 1 when it has only warnings. */
  async mkvmerge(name: string, ...args: readonly string[]): Promise<void> {
    await tool('mkvmerge', ['-q', '-o', this.path(name), ...args], { allowed: [0, 1] });
  }

  async gst(...pipeline: readonly string[]): Promise<void> {
    await tool('gst-launch-1.0', ['-q', '-e', ...pipeline], { limitMs: 60_000 });
  }

  /** Changes bytes of a copy. */
  async changed(from: string, name: string, change: (bytes: Buffer) => Buffer): Promise<void> {
    await writeFile(this.path(name), change(await readFile(from)));
  }

  async copied(from: string, name: string): Promise<void> {
    await copyFile(from, this.path(name));
  }
}

const lavfi = (source: string): string[] => ['-f', 'lavfi', '-i', source];

/** Input arguments of a picture that is white for one picture of each second. */
export function picture({ seconds = SECONDS, rate = '25', size = '192x108', filter }: Picture = {}): string[] {
  const [num = '25', den = '1'] = rate.split('/');
  const step = `(${den}/${num})`;
  const white = `lt(mod(t+0.5*${step},1),max(${step},1/60))`;
  return lavfi(`testsrc2=s=${size}:r=${rate}:d=${seconds},lutyuv=y=val/3,drawbox=c=white:t=fill:enable='${white}'${filter === undefined ? '' : `,${filter}`}`);
}

/** Input arguments of a sound with a beep at each second, and something faint that never repeats in between. */
export function sound({ seconds = SECONDS, rate = 48_000, filter }: { seconds?: number; rate?: number; filter?: string } = {}): string[] {
  return lavfi(`aevalsrc=exprs='0.7*sin(2*PI*1000*t)*lt(mod(t,1),0.06)+0.004*sin(2*PI*(300+17*t)*t)':s=${rate}:d=${seconds}${filter === undefined ? '' : `,${filter}`}`);
}

export interface FileRecipe {
  /** File name: unique. */
  name: string;
  group: string;
  /** Writes `shop.path(name)`. */
  make: (shop: Workshop) => Promise<void>;
  /** Damaged on purpose: it may be refused, play in part, or show torn pictures. */
  damaged?: boolean;
  /** Programs that it needs. */
  needs?: 'mkvmerge' | 'gst-launch-1.0';
}

/** Whether the file can be made here. */
export const canMake = ({ needs }: FileRecipe): boolean => needs === undefined || isThere(needs);
