/** Clips with a flash and a beep at every whole second, and when they are seen and heard in what comes out of the streams. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { initRules } from './mp4/init.ts';
import { type SegmentFacts, segmentRules } from './mp4/segment.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const BEEP_SECONDS = 0.06;
const SHORTEST_FLASH = 1 / 60;
/** Of black and white. */
const BRIGHT = 140;

export interface SyncClip {
  seconds: number;
  /** Such as `24000/1001`. */
  rate?: string;
  size?: string;
  /** Added to all times, for containers that carry it. */
  offsetSeconds?: number;
  codecs: readonly string[];
  /** Filters behind the picture and the sound; null leaves the stream out. */
  videoFilter?: string | null;
  audioFilter?: string | null;
}

/** One white picture and 60 ms of sound at each whole second; the first picture is at 0. */
export async function makeSyncClip(path: string, { seconds, rate = '25', size = '320x180', offsetSeconds = 0, codecs, videoFilter = 'null', audioFilter = 'anull' }: SyncClip): Promise<string> {
  const step = inverse(rate);
  // At 120 pictures a second two are white, for what is encoded has 60.
  const white = `lt(mod(t+0.5*${step},1),max(${step},${SHORTEST_FLASH}))`;
  const video = `testsrc2=s=${size}:r=${rate}:d=${seconds},lutyuv=y=val/3,drawbox=c=white:t=fill:enable='${white}'`;
  const sound = `aevalsrc=exprs='0.7*sin(2*PI*1000*t)*lt(mod(t,1),${BEEP_SECONDS})':s=48000:d=${seconds}`;
  await run(FFMPEG, [
    '-nostdin', '-v', 'error', '-y', ...(videoFilter === null ? [] : lavfi(video)), ...(audioFilter === null ? [] : lavfi(sound)),
    // Behind the inputs, whose own beginning would be taken for 0.
    ...(videoFilter === null ? [] : ['-vf', videoFilter]), ...(audioFilter === null ? [] : ['-af', audioFilter]), ...codecs,
    ...(offsetSeconds === 0 ? [] : ['-output_ts_offset', String(offsetSeconds)]), `file:${path}`,
  ]);
  return path;
}

const lavfi = (source: string): string[] => ['-f', 'lavfi', '-i', source];

const inverse = (rate: string): string => {
  const [num = '25', den = '1'] = rate.split('/');
  return `(${den}/${num})`;
};

/** When the picture of a whole second is due: at the picture nearest to it. */
export const flashDue = (second: number, rate: string): number => {
  const [num = 25, den = 1] = rate.split('/').map(Number);
  return (Math.round((second * num) / den) * den) / num;
};

interface Window {
  init: Uint8Array;
  segments: readonly Uint8Array[];
}

/** Times of the flashes in pieces that follow each other, in seconds; each picture's time is that of its box. */
export async function flashesIn(window: Window): Promise<{ times: number[]; pictures: number }> {
  const { facts, timescale } = factsOf(window);
  const due = facts.flatMap((segment) => ptsOf(segment)).toSorted((a, b) => a - b).map((ticks) => ticks / timescale);
  const levels = await decode(window, ['-map', '0:v', '-fps_mode', 'passthrough', '-vf', 'scale=2:2:flags=area,format=gray', '-f', 'rawvideo']);
  const pictures = levels.length / 4;
  const times: number[] = [];
  for (let i = 0; i < pictures; i += 1) {
    const level = levels.subarray(i * 4, i * 4 + 4).reduce((sum, one) => sum + one, 0) / 4;
    if (level > BRIGHT) times.push(due[i] ?? Number.NaN);
  }
  if (pictures !== due.length) throw new Error(`${due.length} pictures in the boxes, ${pictures} decoded`);
  return { times, pictures };
}

/** Times at which beeps begin, in seconds. */
export async function beepsIn(window: Window): Promise<number[]> {
  const { facts, timescale } = factsOf(window);
  const [first, last] = [facts[0], facts.at(-1)];
  const bytes = await decode(window, ['-map', '0:a', '-ac', '1', '-ar', '48000', '-f', 'f32le']);
  const sound = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length - (bytes.length % 4)));
  const endSeconds = ((last?.startTicks ?? 0) + (last?.durationTicks ?? 0)) / timescale;
  const startSeconds = (first?.startTicks ?? 0) / timescale;
  // A decoder that swallows its pre-skip gives less than the boxes say: the end is where it belongs.
  const missing = Math.max(0, endSeconds - startSeconds - sound.length / 48_000);
  const times: number[] = [];
  const loud = 0.3 * sound.reduce((most, value) => Math.max(most, Math.abs(value)), 0.05);
  let quiet = 0;
  for (const [i, value] of sound.entries()) {
    if (Math.abs(value) < loud) quiet += 1;
    else {
      if (quiet > 0.3 * 48_000 || (i < 4_800 && times.length === 0)) times.push(startSeconds + missing + i / 48_000);
      quiet = 0;
    }
  }
  return times;
}

const printed = (text: string, pattern: RegExp): number[] => [...text.matchAll(pattern)].map(([, seconds]) => Number(seconds));

/** Flashes and beeps of a whole file, at the times that a player reads in it; `streams` by their index where there are several. */
export async function eventsIn(path: string, streams: { video: number; audio: number } | null = null): Promise<{ flashes: number[]; beeps: number[] }> {
  const input = ['-nostdin', '-v', 'info', '-nostats', '-copyts', '-i', path];
  const [pictures, sound] = streams === null ? ['0:v', '0:a'] : [`0:${streams.video}`, `0:${streams.audio}`];
  const [video, audio] = await Promise.all([
    run(FFMPEG, [...input, '-map', pictures, '-vf', "format=gray,signalstats,metadata=select:key=lavfi.signalstats.YAVG:value=140:function=greater,metadata=print:file=-", '-f', 'null', '-'], { maxBuffer: 1 << 26 }),
    run(FFMPEG, [...input, '-map', sound, '-af', 'silencedetect=n=-20dB:d=0.3', '-f', 'null', '-'], { maxBuffer: 1 << 26 }),
  ]);
  return { flashes: printed(video.stdout, /pts_time:([\d.]+)/g), beeps: printed(audio.stderr, /silence_end: ([\d.]+)/g) };
}

function factsOf({ init, segments }: Window): { facts: SegmentFacts[]; timescale: number } {
  const { track } = initRules(init, 'init');
  if (track === null) throw new Error('no init segment');
  return { timescale: track.timescale, facts: segments.map((bytes, n) => segmentRules(bytes, track, String(n)).facts).filter((facts) => facts !== null) };
}

function ptsOf({ startTicks, samples }: SegmentFacts): number[] {
  let due = startTicks;
  return samples.map(({ durationTicks, offsetTicks }) => {
    due += durationTicks;
    return due - durationTicks + offsetTicks;
  });
}

/** What a decoder makes of pieces; it must have nothing to complain about. */
async function decode({ init, segments }: Window, output: readonly string[]): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-sync-'));
  try {
    const path = join(folder, 'window.mp4');
    await writeFile(path, Buffer.concat([init, ...segments]));
    const { stdout, stderr } = await run(FFMPEG, ['-nostdin', '-v', 'error', '-copyts', '-i', path, ...output, '-'], { encoding: 'buffer', maxBuffer: 1 << 28 });
    if (stderr.length > 0) throw new Error(`the decoder complains: ${stderr.toString().slice(0, 300)}`);
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
