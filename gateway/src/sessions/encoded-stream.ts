import { createHash } from 'node:crypto';
import {
  type AudioRecipe, audioGrid, gridSegment, h264Level, type IndexFacts, ladderFor, mainStream, type MediaInfo, type MediaStream, type Rational, rationalValue,
  type RenditionRecipe, type Rung, segmentCount, videoGrid, type VideoGrid, type VideoRecipe,
} from '@reelay/contracts';
import { NotEncodable } from './errors.ts';

/** Goes up with every change of what is encoded for the same input: URLs with a version never change their content. */
const RECIPE = 3;
/** Short, so that the first one is there soon; an IDR every two seconds is also what HLS asks for (authoring rules, 1.13). */
const SEGMENT_SECONDS = 2;
const FASTEST = 60;
/** Containers round times: a rate must be higher by more than that to count as another one. */
const UNEVEN = 1.15;
const FALLBACK_RATE: Rational = { num: 30, den: 1 };
/** Rates that sources mean when they say nearly this. */
const USUAL_RATES: readonly Rational[] = [
  { num: 24_000, den: 1_001 }, { num: 24, den: 1 }, { num: 25, den: 1 }, { num: 30_000, den: 1_001 }, { num: 30, den: 1 }, { num: 50, den: 1 },
  { num: 60_000, den: 1_001 }, { num: 60, den: 1 },
];
const AUDIO_KBPS = 128;
/** Decoding for nothing costs a viewer time: beyond this a picture may be late after a seek. */
const LONGEST_PREROLL_SECONDS = 60;
const LEAST_GAP_SECONDS = 0.5;
const PREROLL_MARGIN_SECONDS = 0.5;
/** Sound that outlasts the pictures by more than this is played to its end; less is cut or filled up with silence. */
const LONGER_SOUND_SECONDS = 1;

export interface EncodedRendition {
  readonly id: string;
  readonly recipe: RenditionRecipe;
  /** The source's stream that it is made of. */
  readonly source: MediaStream;
  readonly segments: number;
  readonly durationSeconds: number;
}

/** What a video becomes when it is encoded on demand: known whole before anything is encoded. */
export interface EncodedStream {
  /** Part of the URL: hash of the source and of all recipes. */
  readonly version: string;
  /** Seconds on the source's clock that are 0 here. */
  readonly originSeconds: number;
  readonly durationSeconds: number;
  /** Video rungs from the lowest up, then sound. */
  readonly renditions: readonly EncodedRendition[];
}

export interface EncodedSource {
  readonly media: MediaInfo;
  readonly facts: IndexFacts | null;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** Plans the renditions of a source. @throws NotEncodable when it has neither pictures nor sound, or no length */
export function planEncodedStream(source: EncodedSource): EncodedStream {
  const { media, facts } = source;
  const video = mainStream(media, 'video');
  const sound = media.streams.filter((stream) => stream.kind === 'audio' && stream.channels !== null);
  const lead = video ?? sound[0];
  if (!lead) throw new NotEncodable('The file has neither pictures nor sound.');
  const times = spanOf(lead, media, facts);
  if (times === null) throw new NotEncodable('The length of the file is not known.');
  const { originSeconds, durationSeconds } = times;
  const grid = videoGrid({ frameRate: frameRateOf(video, shortestGapOf(video, facts)), durationSeconds, targetSeconds: SEGMENT_SECONDS });
  const renditions = [
    ...(video ? ladderFor(video).map((rung) => encodedVideo(rung, video, { grid, prerollSeconds: prerollOf(video, media, facts) })) : []),
    ...sound.map((stream, n) => encodedSound(`a${n}`, stream, grid, soundSeconds(stream, source, originSeconds, video ? durationSeconds : null))),
  ];
  if (renditions.length === 0) throw new NotEncodable('The size of the pictures is not known.');
  return { version: versionOf(source, originSeconds, renditions), originSeconds, durationSeconds, renditions };
}

/** A viewer whose bandwidth is not known yet starts here or just below: it is quick to encode and good to look at. */
const START_HEIGHT = 360;

/** What players begin with: a small rung of the pictures, and the main sound. */
export function startRenditions({ renditions }: EncodedStream): { picture: EncodedRendition | undefined; sound: EncodedRendition | undefined } {
  const rungs = renditions.filter(({ recipe }) => recipe.kind === 'video');
  const sounds = renditions.filter(({ recipe }) => recipe.kind === 'audio');
  return {
    picture: rungs.findLast(({ recipe }) => recipe.kind === 'video' && Math.min(recipe.width, recipe.height) <= START_HEIGHT) ?? rungs[0],
    sound: sounds.find(({ source }) => source.disposition.includes('default')) ?? sounds[0],
  };
}

/** The longest segment, rounded: EXT-X-TARGETDURATION, the same for all renditions. */
export function targetDurationOf(stream: EncodedStream): number {
  const longest = Math.max(...stream.renditions.flatMap(({ recipe: { grid }, segments }) => [0, segments - 1].map((n) => gridSegment(grid, n, segments)?.durationSeconds ?? 0)));
  return Math.max(1, Math.round(longest));
}

function encodedVideo(rung: Rung, source: MediaStream, { grid, prerollSeconds }: { grid: VideoGrid; prerollSeconds: number }): EncodedRendition {
  const { id, width, height, videoKbps, maxKbps } = rung;
  const transfer = source.colour?.transfer;
  const recipe: VideoRecipe = {
    kind: 'video', streamIndex: source.index, grid, width, height, videoKbps, maxKbps,
    level: h264Level({ width, height, framesPerSecond: rationalValue(grid.frameRate), maxKbps }),
    rotationDegrees: source.rotationDegrees, deinterlace: source.interlaced,
    toneMap: transfer === 'smpte2084' ? 'pq' : transfer === 'arib-std-b67' ? 'hlg' : null,
    ...(prerollSeconds > 0 ? { prerollSeconds } : {}),
  };
  return { id, recipe, source, segments: segmentCount(grid), durationSeconds: (grid.frames * grid.frameTicks) / grid.timescale };
}

function encodedSound(id: string, source: MediaStream, grid: VideoGrid, durationSeconds: number): EncodedRendition {
  const sampleRate = source.sampleRate === 44_100 ? 44_100 : 48_000;
  const recipe: AudioRecipe = { kind: 'audio', streamIndex: source.index, grid: audioGrid(grid, { sampleRate, durationSeconds }), audioKbps: AUDIO_KBPS, channels: 2 };
  return { id, recipe, source, segments: segmentCount(recipe.grid), durationSeconds: (recipe.grid.frames * recipe.grid.frameSamples) / sampleRate };
}

function soundSeconds(stream: MediaStream, source: EncodedSource, originSeconds: number, videoSeconds: number | null): number {
  const end = source.facts?.tracks.find(({ streamIndex }) => streamIndex === stream.index)?.endSeconds ?? null;
  const own = end === null ? (stream.durationSeconds ?? source.media.durationSeconds) : end - originSeconds;
  if (videoSeconds === null) return own ?? 0;
  return own !== null && own > videoSeconds + LONGER_SOUND_SECONDS ? own : videoSeconds;
}

function spanOf(lead: MediaStream, media: MediaInfo, facts: IndexFacts | null): { originSeconds: number; durationSeconds: number } | null {
  const known = facts?.tracks.find(({ streamIndex }) => streamIndex === lead.index);
  // Where some packets carry no time (AVI with B pictures), the first that does is not the first one.
  const track = known === undefined || known.untimed > 0 ? undefined : known;
  const originSeconds = track?.startSeconds ?? lead.startTimeSeconds ?? media.startTimeSeconds;
  const end = track?.endSeconds ?? null;
  const durationSeconds = end === null ? (lead.durationSeconds ?? media.durationSeconds) : end - originSeconds;
  return durationSeconds !== null && durationSeconds > 0 ? { originSeconds, durationSeconds } : null;
}

/**
 * ffmpeg's demuxers of MPEG streams land anywhere between two keyframes: pictures decoded from there are torn (HEVC) or late
 * by up to a group (H.264, MPEG-2; measured), so a head begins a group earlier.
 */
function prerollOf(video: MediaStream, { container, formatNames }: MediaInfo, facts: IndexFacts | null): number {
  if (container !== 'mpegts' && !formatNames.includes('mpeg')) return 0;
  const track = facts?.tracks.find(({ streamIndex }) => streamIndex === video.index);
  const gap = track?.longestKeyGapSeconds ?? track?.longestGroupSeconds ?? 0;
  return Math.min(LONGEST_PREROLL_SECONDS, Math.ceil((Math.max(gap, LEAST_GAP_SECONDS) + PREROLL_MARGIN_SECONDS) * 10) / 10);
}

/** Null where it says nothing: the fields of interlaced pictures may come one by one. */
function shortestGapOf(video: MediaStream | undefined, facts: IndexFacts | null): number | null {
  const track = facts?.tracks.find(({ streamIndex }) => streamIndex === video?.index);
  return video === undefined || video.interlaced || !track?.shortestGapSeconds ? null : track.shortestGapSeconds;
}

/**
 * A constant rate for the output: the usual one it is nearest to, else its own in thousandths, never above 60. A source whose
 * pictures come unevenly gets the rate of those that follow each other fastest: on average some would be lost.
 */
export function frameRateOf(video: Pick<MediaStream, 'frameRate'> | undefined, shortestGapSeconds: number | null = null): Rational {
  const average = rationalValue(video?.frameRate ?? null);
  const isUneven = shortestGapSeconds !== null && 1 / shortestGapSeconds > average * UNEVEN;
  let rate = isUneven ? Math.min(FASTEST, 1 / shortestGapSeconds) : average;
  if (!(rate >= 1) || rate > 1_000) return FALLBACK_RATE;
  while (rate > FASTEST + 0.5) rate /= 2;
  const usual = USUAL_RATES.toSorted((a, b) => Math.abs(rationalValue(a) - rate) - Math.abs(rationalValue(b) - rate))[0];
  if (usual && Math.abs(rationalValue(usual) - rate) / rate < (isUneven ? 0.02 : 0.000_4)) return usual;
  return { num: Math.round(rate * 1_000), den: 1_000 };
}

function versionOf(source: EncodedSource, originSeconds: number, renditions: readonly EncodedRendition[]): string {
  const facts = [RECIPE, source.sizeBytes, source.mtimeMs, originSeconds, renditions.map(({ id, recipe }) => [id, recipe])];
  return `t${createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 15)}`;
}
