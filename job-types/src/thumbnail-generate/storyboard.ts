import { appendFile, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProducedFile, Storyboard } from '@reelay/contracts';
import type { JobRun } from '../agent-types.ts';
import { fileUrl } from '../order-files.ts';
import { jpegSize } from './jpeg-size.ts';
import { STORYBOARD, type StoryboardPlan } from './result.ts';

/** The thumbnail waits no longer for it than this, and it takes no more of the node. */
const LIMIT_MS = 30_000;
const CPU_SECONDS = 45;
const MAX_SHEET_BYTES = 4_000_000;

export interface Made {
  files: ProducedFile[];
  board: Storyboard | null;
}
const NOTHING: Made = { files: [], board: null };

/**
 * Writes sheets of small pictures for the seek bar into the order's output: JPEGs one behind the other. Without them a
 * thumbnail is no less a thumbnail: what goes wrong is only said. @throws the cause when the attempt is ended
 */
export async function makeStoryboard(run: JobRun, from: string, plan: StoryboardPlan | null): Promise<Made> {
  if (plan === null || !run.order.outputs.some(({ name }) => name === STORYBOARD)) return NOTHING;
  try {
    return await make(run, from, plan);
  } catch (error) {
    run.signal.throwIfAborted();
    run.log(`No pictures for the seek bar: ${error instanceof Error ? error.message : String(error)}`);
    return NOTHING;
  }
}

async function make(run: JobRun, from: string, plan: StoryboardPlan): Promise<Made> {
  const folder = await run.scratch();
  await run.ffmpeg({ args: storyboardArgs(from, join(folder, 'sheet-%d.jpg'), plan), durationSeconds: null, from: 91, to: 98, phase: 'storyboard', limitMs: LIMIT_MS });
  const names = (await readdir(folder)).filter((name) => /^sheet-\d+\.jpg$/.test(name)).toSorted((a, b) => number(a) - number(b));
  const [first] = names;
  if (first === undefined) return NOTHING;
  const size = await jpegSize(join(folder, first));
  const to = await run.output(STORYBOARD);
  const sheets: Storyboard['sheets'] = [];
  let end = 0;
  await writeFile(to, '');
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    if (bytes.length > MAX_SHEET_BYTES) return NOTHING;
    await appendFile(to, bytes);
    sheets.push({ from: end, bytes: bytes.length });
    end += bytes.length;
  }
  const { intervalSeconds, columns, rows, tileWidth } = plan;
  const pictures = Math.min(plan.pictures, sheets.length * columns * rows);
  run.log(`Pictures for the seek bar: ${pictures}, every ${intervalSeconds} s, ${end} bytes`);
  return { files: [await run.produced(STORYBOARD)], board: { intervalSeconds, pictures, tileWidth, tileHeight: Math.floor(size.height / rows), columns, rows, sheets } };
}

const number = (name: string): number => Number(/\d+/.exec(name)?.[0] ?? 0);

/**
 * One pass: a picture every so many seconds, in the shape on screen, tiled. After the last keyframe its picture is
 * repeated, so that the grid is always full. Measured: 4 s for an hour of 720p with 900 keyframes, on a busy host.
 */
function storyboardArgs(from: string, to: string, plan: StoryboardPlan): string[] {
  const { intervalSeconds, pictures, columns, rows, tileWidth, keyframesOnly } = plan;
  const filters = [
    `fps=1000/${Math.round(intervalSeconds * 1000)}:eof_action=pass`, `scale=${tileWidth}:max(2\\,trunc(${tileWidth}/dar/2)*2):out_range=full`, 'setsar=1', 'format=yuvj420p',
    'tpad=stop_mode=clone:stop=-1', `tile=${columns}x${rows}`,
  ];
  return [
    '-timelimit', String(CPU_SECONDS), '-threads', '2', ...(keyframesOnly ? ['-skip_frame', 'nokey'] : []), '-i', fileUrl(from), '-map', '0:V:0', '-an', '-sn', '-dn',
    '-vf', filters.join(','), '-frames:v', String(Math.ceil(pictures / (columns * rows))), '-vsync', 'passthrough', '-q:v', '5', '-c:v', 'mjpeg', '-f', 'image2', to,
  ];
}
