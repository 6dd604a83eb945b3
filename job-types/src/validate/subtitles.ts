import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cue, type InputFile, type IndexFacts, type MediaInfo, type MediaStream, parseCues, type ProducedFile, shiftCues, type SubtitleTrack, textSubtitles, writeCues } from '@reelay/contracts';
import { JobFailed, type JobRun } from '../agent-types.ts';
import { fileUrl } from '../order-files.ts';
import { decodeText } from './decode-text.ts';
import { type Sidecar, sidecarSchema, SUBTITLES } from './result.ts';

/** A film's dialogue takes 100 KB; karaoke with a line per syllable takes megabytes. */
const MAX_TRACK_BYTES = 4_000_000;
const MAX_FILE_BYTES = 32_000_000;
const MAX_TRACKS = 64;
/** Seconds of CPU time. Reading on through the file costs little; a demuxer that runs in circles is ended by this. */
const CPU_SECONDS = 120;
/** So many tracks are tried one by one when they cannot be read together. */
const MAX_SINGLE_TRIES = 8;

export interface Extracted {
  files: ProducedFile[];
  tracks: SubtitleTrack[];
}
type Described = Omit<SubtitleTrack, 'from' | 'bytes' | 'cues'>;
interface Found {
  track: Described;
  cues: Cue[];
}

const NOTHING: Extracted = { files: [], tracks: [] };

/**
 * Puts all text subtitles of a file, and those that lie beside it, into the order's one output as WebVTT. What cannot be
 * read is left out and said in the log: a video is no less valid for it. @throws the cause when the attempt is ended
 */
export async function extractSubtitles(run: JobRun, path: string, media: MediaInfo, facts: IndexFacts): Promise<Extracted> {
  if (!run.order.outputs.some(({ name }) => name === SUBTITLES)) return NOTHING;
  try {
    const inside = await readInside(run, path, media);
    const beside = await readBeside(run, firstPictureSeconds(media, facts), inside.length);
    const found = [...inside, ...beside].filter(({ cues }) => cues.length > 0).slice(0, MAX_TRACKS);
    return found.length === 0 ? NOTHING : await store(run, found);
  } catch (error) {
    run.signal.throwIfAborted();
    run.log(`The subtitles could not be read: ${error instanceof Error ? error.message : String(error)}`);
    return NOTHING;
  }
}

async function store(run: JobRun, found: readonly Found[]): Promise<Extracted> {
  const to = await run.output(SUBTITLES);
  const tracks: SubtitleTrack[] = [];
  let from = 0;
  await writeFile(to, '');
  for (const { track, cues } of found) {
    const text = Buffer.from(writeCues(cues));
    if (text.length > MAX_TRACK_BYTES || from + text.length > MAX_FILE_BYTES) {
      run.log(`Subtitles ${track.id} are too large and left out: ${text.length} bytes`);
      continue;
    }
    await appendFile(to, text);
    tracks.push({ ...track, cues: cues.length, from, bytes: text.length });
    from += text.length;
  }
  if (tracks.length === 0) return NOTHING;
  run.log(`Subtitles: ${tracks.map(({ id, language, cues }) => `${id} ${language ?? 'of unknown language'}, ${cues} cues`).join('; ')}`);
  return { files: [await run.produced(SUBTITLES)], tracks };
}

async function readInside(run: JobRun, path: string, media: MediaInfo): Promise<Found[]> {
  const streams = textSubtitles(media).slice(0, MAX_TRACKS);
  if (streams.length === 0) return [];
  run.progress({ percent: 86, phase: 'subtitles', message: `Reading ${streams.length} subtitle tracks` });
  const folder = await run.scratch();
  const target = (n: number): string => join(folder, `subtitles-${n}.vtt`);
  const all = streams.map((stream, n) => ({ stream, to: target(n) }));
  if (!(await convert(run, path, media, all)) && streams.length <= MAX_SINGLE_TRIES) {
    for (const one of streams.length > 1 ? all : []) await convert(run, path, media, [one]);
  }
  return Promise.all(streams.map(async (stream, n) => ({ track: described(stream, n), cues: parseCues(await textOf(target(n))) })));
}

/** Writes each stream as WebVTT on the file's own clock; false when ffmpeg cannot. */
async function convert(run: JobRun, path: string, media: MediaInfo, wanted: readonly { stream: MediaStream; to: string }[]): Promise<boolean> {
  const outputs = wanted.flatMap(({ stream, to }) => [
    '-map', `0:${stream.index}`, '-c:s', stream.codec === 'webvtt' ? 'copy' : 'webvtt', '-fs', String(MAX_TRACK_BYTES), '-f', 'webvtt', fileUrl(to),
  ]);
  try {
    await run.ffmpeg({ args: ['-timelimit', String(CPU_SECONDS), '-copyts', '-i', fileUrl(path), ...outputs], durationSeconds: media.durationSeconds, from: 86, to: 89, phase: 'subtitles' });
    return true;
  } catch (error) {
    run.signal.throwIfAborted();
    if (!(error instanceof JobFailed)) throw error;
    run.log(`Subtitle tracks ${wanted.map(({ stream }) => stream.index).join(', ')} could not be read: ${error.message}`);
    return false;
  }
}

async function textOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found === null || found.size > MAX_TRACK_BYTES * 2 ? '' : readFile(path, 'utf8');
}

function described({ language, title, disposition }: MediaStream, n: number): Described {
  return {
    id: `s${n}`, language: language?.slice(0, 64) ?? null, title, isDefault: disposition.includes('default'),
    isForced: disposition.includes('forced'), isForDeaf: disposition.includes('hearing_impaired'),
  };
}

/** Files beside the video count from its first picture; they go onto the file's clock like the others. */
async function readBeside(run: JobRun, originSeconds: number, taken: number): Promise<Found[]> {
  const sidecars = sidecarSchema.array().catch([]).parse(run.order.order['sidecars']);
  const found: Found[] = [];
  for (const sidecar of sidecars) {
    const input = run.order.inputs.find(({ name }) => name === sidecar.name);
    if (input && input.sizeBytes <= MAX_TRACK_BYTES) found.push(await readOne(run, input, sidecar, originSeconds, taken + found.length));
  }
  return found;
}

async function readOne(run: JobRun, input: InputFile, { language, isForced, isForDeaf }: Sidecar, originSeconds: number, n: number): Promise<Found> {
  const cues = parseCues(decodeText(await readFile(await run.input(input.name))));
  run.log(`Subtitles beside the video: ${input.path}, ${cues.length} cues`);
  return { track: { id: `s${n}`, language, title: null, isDefault: false, isForced, isForDeaf }, cues: shiftCues(cues, Math.round(originSeconds * 1000)) };
}

function firstPictureSeconds(media: MediaInfo, facts: IndexFacts): number {
  const track = facts.tracks.find(({ kind }) => kind === 'video') ?? facts.tracks[0];
  return track?.startSeconds ?? media.startTimeSeconds;
}
