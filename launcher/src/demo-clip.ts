// Something to play at the first start: 20 s of drifting colours with a moving test card and a few bell tones.
// Small sources scaled up keep it at 2.5 s of two cores; the same clip drawn at full size takes 10 s.
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { type Ctx, ReelayError } from '@reelay/runtime';
import { runTool, type Supervisor } from '@reelay/runtime/supervisor';
import { z } from 'zod';
import { readIfThere } from './secret-file.ts';

/** The clip could not be made or taken into the library. The system works without it. */
class DemoFailed extends ReelayError {
  readonly code = 'demo_failed';
}

const FILE_NAME = 'Reelay demo.mp4';
const SECONDS = 20;
const FRAME_RATE = 24;
const GOP = 2 * FRAME_RATE;
const LIMIT_MS = 60_000;

const COLOURS = `gradients=s=160x90:r=${FRAME_RATE}:n=5:c0=0x0b132b:c1=0x3a506b:c2=0x5bc0be:c3=0xf4a259:c4=0xbc4b51:speed=0.03:seed=7`;
const TEST_CARD = `testsrc2=s=426x240:r=${FRAME_RATE}`;
const bells = (shift: number) => `0.12*sin(2*PI*(220+110*mod(floor(t)+${shift},4))*t)*exp(-3*mod(t,1))+0.05*sin(2*PI*110*t)`;
const PICTURE =
  "[0:v]scale=1280:720:flags=fast_bilinear,format=yuv420p[back];[back][1:v]overlay=x='427+380*sin(2*PI*t/10)':y='240+200*cos(2*PI*t/10)':format=yuv420[v]";

const ARGS = [
  ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'],
  ['-f', 'lavfi', '-i', COLOURS, '-f', 'lavfi', '-i', TEST_CARD, '-f', 'lavfi', '-i', `aevalsrc='${bells(0)}|${bells(1)}':s=48000`],
  ['-filter_complex', PICTURE, '-map', '[v]', '-map', '2:a', '-t', String(SECONDS)],
  ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '24', '-g', String(GOP), '-keyint_min', String(GOP), '-sc_threshold', '0'],
  ['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-movflags', '+faststart'],
].flat();

/** True until a start has looked whether the library needs the clip: deleting it must not bring it back. */
export async function demoIsDue(dataDir: string): Promise<boolean> {
  return (await readIfThere(doneFile(dataDir))) === null;
}

const doneFile = (dataDir: string): string => join(dataDir, 'demo.done');

/** Encodes the clip into a temporary file of the data folder and returns its path. @throws DemoFailed */
export async function makeDemoClip(ctx: Ctx, supervisor: Supervisor, ffmpeg: string, dataDir: string): Promise<string> {
  const path = join(dataDir, 'tmp', FILE_NAME);
  await mkdir(dirname(path), { recursive: true });
  const result = await runTool(ctx, supervisor, { name: 'demo clip', argv0: ffmpeg, args: [...ARGS, path], maxOutputBytes: 64 * 1024, limitMs: LIMIT_MS });
  if (result.exit.kind === 'code' && result.exit.code === 0) return path;
  await rm(path, { force: true });
  throw new DemoFailed(`ffmpeg did not make the demo clip: ${result.stderrTail.trim().split('\n').at(-1) ?? ''}`);
}

/** Uploads the clip through the public API when the library is empty. @throws DemoFailed */
export async function addDemoClip(options: { baseUrl: string; password: string; path: string; dataDir: string }): Promise<'added' | 'not needed'> {
  const { baseUrl, password, path, dataDir } = options;
  try {
    const { token } = z.object({ token: z.string() }).parse(
      await call(`${baseUrl}/api/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username: 'admin', password }) }),
    );
    const authorization = `Bearer ${token}`;
    const videos = z.object({ pagination: z.object({ total: z.number() }) }).parse(await call(`${baseUrl}/api/media/videos?limit=1`, { headers: { authorization } }));
    const isEmpty = videos.pagination.total === 0;
    if (isEmpty) await upload(`${baseUrl}/api/media/videos/upload?filename=${encodeURIComponent(FILE_NAME)}`, authorization, path);
    await call(`${baseUrl}/api/auth/logout`, { method: 'POST', headers: { authorization } });
    await writeFile(doneFile(dataDir), '');
    return isEmpty ? 'added' : 'not needed';
  } finally {
    await rm(path, { force: true });
  }
}

async function upload(url: string, authorization: string, path: string): Promise<void> {
  const { size } = await stat(path);
  const init = {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: Readable.toWeb(createReadStream(path)),
    duplex: 'half',
  };
  // fetch's own type does not know `duplex`, which a streamed body needs.
  await call(url, init as RequestInit);
}

async function call(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(LIMIT_MS) });
  const text = await response.text();
  if (!response.ok) throw new DemoFailed(`${new URL(url).pathname} answered ${response.status}`, { status: response.status });
  return text === '' ? null : JSON.parse(text);
}
