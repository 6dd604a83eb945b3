/** A file as a node encodes it: the agent's own arguments and cutting, against the flashes and beeps of the file itself. */
import { spawn } from 'node:child_process';
import type { MediaInfo, IndexFacts, RenditionRecipe } from '@reelay/contracts';
import { INPUT_GUARD } from '@reelay/job-types/agent';
import { type EncodedRendition, planEncodedStream } from '../../../gateway/src/sessions/encoded-stream.ts';
import { FragmentReader } from '../../../node-agent/src/session/fragment-reader.ts';
import { headArgs } from '../../../node-agent/src/session/head-args.ts';
import { segmenterFor } from '../../../node-agent/src/session/segmenter.ts';
import { beepsIn, eventsIn, flashesIn } from '../../conformance/sync.ts';
import { FFMPEG } from './tools.ts';

const LIMIT_MS = 60_000;
const BEEP_SLACK_SECONDS = 0.03;

interface Run {
  init: Uint8Array;
  segments: Uint8Array[];
  error: string | null;
}

function runHead(path: string, recipe: RenditionRecipe, from: number, media: MediaInfo, originSeconds: number): Promise<Run> {
  const args = headArgs(recipe, {
    input: `file:${path}`, inputOptions: INPUT_GUARD, originSeconds, fileStartSeconds: media.startTimeSeconds, from, encoder: 'libx264', gpuIndex: null, urgent: false, cpus: 2, canToneMap: true,
  });
  return new Promise((resolve, reject) => {
    const child = spawn(FFMPEG, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [reader, segmenter] = [new FragmentReader(), segmenterFor(recipe, from)];
    const run: Run = { init: new Uint8Array(), segments: [], error: null };
    let said = '';
    const timer = setTimeout(() => fail('it did not end in time'), LIMIT_MS);
    const fail = (reason: string): void => {
      run.error ??= reason;
      child.kill('SIGKILL');
    };
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-300);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        for (const piece of run.error === null ? reader.push(chunk) : []) {
          if (piece.kind === 'init') run.init = piece.bytes;
          else {
            const made = segmenter.take(piece);
            if (made !== null) run.segments.push(made.bytes);
          }
        }
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error));
      }
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code !== 0) run.error ??= `ffmpeg ended with ${code}: ${said.trim()}`;
      resolve(run);
    });
  });
}

/** Lines, none when it is right. From the start, and from the middle, as after a seek. */
export async function checkEncoded(path: string, media: MediaInfo, facts: IndexFacts | null, lenient: boolean): Promise<string[]> {
  const plan = planEncodedStream({ media, facts, sizeBytes: media.sizeBytes ?? 0, mtimeMs: 0 });
  const picture = plan.renditions.find(({ recipe }) => recipe.kind === 'video');
  const heard = plan.renditions.find(({ recipe }) => recipe.kind === 'audio');
  const wrong: string[] = [];
  const known = lenient ? null : await eventsOf(path, picture?.source.index, heard?.source.index);
  // The end of the sound looks like a beep.
  const soundEnd = facts?.tracks.find(({ streamIndex }) => streamIndex === heard?.source.index)?.endSeconds ?? Infinity;
  if (known !== null) known.beeps = known.beeps.filter((at) => at < soundEnd - 0.06);
  for (const [what, rendition] of [['pictures', picture], ['sound', heard]] as const) {
    if (rendition === undefined) continue;
    for (const from of new Set([0, Math.floor(rendition.segments / 2)])) wrong.push(...await checkRun(path, media, { what, rendition, from, originSeconds: plan.originSeconds, known }));
  }
  return wrong;
}

async function eventsOf(path: string, video: number | undefined, audio: number | undefined): Promise<{ flashes: number[]; beeps: number[] } | null> {
  return video === undefined || audio === undefined ? null : eventsIn(path, { video, audio }).catch(() => null);
}

interface Wanted {
  what: 'pictures' | 'sound';
  rendition: EncodedRendition;
  from: number;
  originSeconds: number;
  known: { flashes: number[]; beeps: number[] } | null;
}

const list = (times: readonly number[]): string => times.map((at) => at.toFixed(3)).join(' ');

async function checkRun(path: string, media: MediaInfo, { what, rendition, from, originSeconds, known }: Wanted): Promise<string[]> {
  const where = `${what} from segment ${from}`;
  const run = await runHead(path, rendition.recipe, from, media, originSeconds);
  if (run.error !== null) return [`${where}: ${run.error}`];
  if (run.segments.length !== rendition.segments - from) return [`${where}: ${run.segments.length} segments, not ${rendition.segments - from}`];
  if (known === null) return [];
  const found = await (what === 'pictures' ? flashesIn(run).then(({ times }) => times) : beepsIn(run)).catch((error: unknown) => String(error));
  if (typeof found === 'string') return [`${where}: ${found}`];
  const { grid } = rendition.recipe;
  const step = 'frameRate' in grid ? grid.frameRate.den / grid.frameRate.num : 0;
  const start = 'frameRate' in grid ? from * grid.gopFrames * step : (from * grid.segment.num) / grid.segment.den;
  const due = (what === 'pictures' ? known.flashes : known.beeps).map((at) => at - originSeconds);
  const slack = what === 'pictures' ? step * 1.01 : BEEP_SLACK_SECONDS;
  const missing = due.filter((at) => at >= start + 0.1 && at < rendition.durationSeconds - 0.15 && !found.some((seen) => Math.abs(seen - at) <= slack));
  const extra = found.filter((at) => at >= start + 0.1 && at < rendition.durationSeconds - 0.15 && !due.some((known) => Math.abs(known - at) <= slack + step));
  return missing.length + extra.length === 0 ? [] : [`${where}: due at ${list(due)}, found at ${list(found)}`];
}
