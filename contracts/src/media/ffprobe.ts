import { z } from 'zod';
import { parseHexDump, toBase64 } from './bytes.ts';
import { codecString } from './codec-string.ts';
import type { ContainerKind, MediaInfo, MediaStream, Rational } from './media-info.ts';

/** The same without the streams' data, for files with megabytes of attached fonts, which ffprobe would print as well. */
export const FFPROBE_LEAN_ARGS: readonly string[] = ['-v', 'error', '-show_format', '-show_streams', '-show_chapters', '-of', 'json'];
/** Arguments of ffprobe whose JSON {@link parseFfprobe} reads; the input follows. */
export const FFPROBE_INFO_ARGS: readonly string[] = [...FFPROBE_LEAN_ARGS, '-show_data'];
/** The data of the streams of one kind, to be added to what the lean arguments gave by {@link addStreamData}. */
export const ffprobeDataArgs = (kind: 'video' | 'audio'): readonly string[] => ['-v', 'error', '-select_streams', kind.charAt(0), '-show_streams', '-show_data', '-of', 'json'];

/** What is kept of one file is stored, sent and shown: no more than a player could use. */
const MAX_EXTRADATA_BYTES = 64 * 1024;
const MAX_STREAMS = 200;
const MAX_CHAPTERS = 1_000;
const MAX_TITLE_CHARS = 300;

/** The text given is not what ffprobe prints. */
export class FfprobeOutputError extends Error {
  readonly code = 'ffprobe_output';
}

const textOrNumber = z.union([z.string(), z.number()]).transform(String);
const tagsSchema = z.record(z.string(), textOrNumber).catch({});
const probedStreamSchema = z.looseObject({
  index: z.number().int().nonnegative(),
  codec_type: z.string().catch('other'),
  codec_name: z.string().catch('unknown'),
  tags: tagsSchema.optional(),
  disposition: z.record(z.string(), z.number()).catch({}).optional(),
  side_data_list: z.array(z.looseObject({})).catch([]).optional(),
});
type ProbedStream = z.infer<typeof probedStreamSchema>;

const probedSchema = z.looseObject({
  streams: z.array(z.unknown()).catch([]).optional(),
  chapters: z.array(z.unknown()).catch([]).optional(),
  format: z.looseObject({ tags: tagsSchema.optional() }),
});

/**
 * Normalises the JSON of ffprobe ({@link FFPROBE_INFO_ARGS}), as text or parsed.
 * Missing and `N/A` values become null. Throws {@link FfprobeOutputError} when there is no format section at all.
 */
export function parseFfprobe(json: unknown): MediaInfo {
  const parsed = probedSchema.safeParse(typeof json === 'string' ? parseJson(json) : json);
  if (!parsed.success) throw new FfprobeOutputError('ffprobe gave no format section', { cause: parsed.error });
  const { format, streams = [], chapters = [] } = parsed.data;
  const formatNames = (text(format['format_name']) ?? '').split(',').filter((name) => name !== '');
  const majorBrand = lookup(format.tags ?? {}, 'major_brand')?.trim() ?? null;
  const media: MediaStream[] = [];
  for (const value of streams.slice(0, MAX_STREAMS)) {
    const stream = probedStreamSchema.safeParse(value);
    if (stream.success) media.push(parseStream(stream.data));
  }
  const container = containerKind(formatNames, majorBrand, text(format['filename']) ?? '', media);
  const startTimeSeconds = number(format['start_time']) ?? 0;
  const timed = lengthsFromStart(media, container, startTimeSeconds);
  const durations = timed.flatMap((stream) => (stream.durationSeconds === null ? [] : [stream.durationSeconds]));
  const longest = durations.length > 0 ? Math.max(...durations) : null;
  const bitsPerSecond = number(format['bit_rate']);
  return {
    container,
    formatNames,
    majorBrand,
    durationSeconds: lengthOf(positive(number(format['duration'])), container, startTimeSeconds, longest) ?? longest,
    startTimeSeconds,
    bitrateKbps: bitsPerSecond === null ? null : Math.round(Math.max(0, bitsPerSecond) / 1000),
    sizeBytes: positive(number(format['size'])),
    streams: timed,
    chapters: chapters.slice(0, MAX_CHAPTERS).flatMap(parseChapter),
  };
}

/** A gap at the start of MP4 (an empty edit) shorter than this is how sound and pictures are laid beside each other. */
const SHORTEST_GAP_SECONDS = 2;
const endsAsLengths = (container: ContainerKind): boolean => container === 'matroska' || container === 'webm';

/** Matroska gives the time of the end for the length of a stream: the same only where it starts at 0. */
function lengthsFromStart(streams: readonly MediaStream[], container: ContainerKind, startSeconds: number): MediaStream[] {
  if (!endsAsLengths(container) || startSeconds <= 0) return [...streams];
  return streams.map((stream) => ({ ...stream, durationSeconds: stream.durationSeconds === null ? null : Math.max(0, stream.durationSeconds - startSeconds) }));
}

/** The length of the whole, without a gap before its start. */
function lengthOf(seconds: number | null, container: ContainerKind, startSeconds: number, longest: number | null): number | null {
  if (seconds === null || startSeconds <= 0) return seconds;
  if (endsAsLengths(container)) return positive(seconds - startSeconds);
  const isGap = (container === 'mp4' || container === 'mov') && startSeconds >= SHORTEST_GAP_SECONDS && longest !== null && seconds - longest >= startSeconds / 2;
  return isGap ? longest : seconds;
}

/** The lean answer with the data of the streams in the others. @throws FfprobeOutputError */
export function addStreamData(lean: string, ...others: string[]): unknown {
  const listing = z.looseObject({ streams: z.array(z.looseObject({ index: z.number() })).catch([]).optional() });
  const read = (source: string) => {
    const parsed = listing.safeParse(parseJson(source));
    if (!parsed.success) throw new FfprobeOutputError('ffprobe gave no list of streams', { cause: parsed.error });
    return parsed.data;
  };
  const whole = read(lean);
  const data = new Map(others.flatMap((source) => read(source).streams ?? []).map((stream) => [stream.index, stream['extradata']]));
  for (const stream of whole.streams ?? []) stream['extradata'] = data.get(stream.index);
  return whole;
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new FfprobeOutputError('ffprobe did not print JSON', { cause });
  }
}

function parseStream(stream: ProbedStream): MediaStream {
  const tags = stream.tags ?? {};
  const disposition = Object.entries(stream.disposition ?? {}).filter(([, set]) => set === 1).map(([name]) => name);
  const kind = streamKind(stream.codec_type, disposition);
  // Of an attachment, a font, it would be the whole file.
  const data = kind === 'video' || kind === 'audio' ? parseHexDump(text(stream['extradata']) ?? '') : new Uint8Array();
  const bytes = data.length <= MAX_EXTRADATA_BYTES ? data : new Uint8Array();
  const bitsPerSecond = number(stream['bit_rate']) ?? number(lookup(tags, 'bps'));
  const language = lookup(tags, 'language')?.toLowerCase() ?? null;
  const shared = {
    profile: known(text(stream['profile'])),
    level: positive(integer(stream['level'])),
  };
  const video = videoFields(stream, kind === 'video');
  return {
    index: stream.index,
    kind,
    codec: stream.codec_name,
    ...shared,
    codecString: codecString({ ...shared, ...video, codec: stream.codec_name, extradata: bytes.length > 0 ? bytes : null }),
    timeBase: rational(text(stream['time_base']), '/') ?? { num: 1, den: 1000 },
    startTimeSeconds: number(stream['start_time']),
    durationSeconds: positive(number(stream['duration'])) ?? clockSeconds(lookup(tags, 'duration')),
    bitrateKbps: bitsPerSecond === null || bitsPerSecond < 0 ? null : Math.round(bitsPerSecond / 1000),
    language: language === 'und' || language === '' ? null : language,
    title: clip(lookup(tags, 'title') ?? lookup(tags, 'handler_title') ?? null),
    disposition,
    ...video,
    channels: kind === 'audio' ? positive(integer(stream['channels'])) : null,
    channelLayout: kind === 'audio' ? known(text(stream['channel_layout'])) : null,
    sampleRate: kind === 'audio' ? positive(integer(stream['sample_rate'])) : null,
    extradata: bytes.length > 0 ? toBase64(bytes) : null,
  };
}

/** A cover picture is reported as video; for us it is none. */
function streamKind(type: string, disposition: readonly string[]): MediaStream['kind'] {
  if (disposition.includes('attached_pic') || disposition.includes('timed_thumbnails')) return 'other';
  return type === 'video' || type === 'audio' || type === 'subtitle' ? type : 'other';
}

function videoFields(stream: ProbedStream, isVideo: boolean) {
  const width = isVideo ? positive(integer(stream['width'])) : null;
  const height = isVideo ? positive(integer(stream['height'])) : null;
  const ratio = isVideo ? rational(text(stream['sample_aspect_ratio']), ':') : null;
  const sampleAspectRatio = ratio && ratio.num > 0 ? ratio : null;
  const rotationDegrees = isVideo ? rotation(stream) : 0;
  const pixelFormat = isVideo ? known(text(stream['pix_fmt'])) : null;
  const onScreen = width && height
    ? [Math.max(1, Math.round(sampleAspectRatio ? (width * sampleAspectRatio.num) / sampleAspectRatio.den : width)), height]
    : [null, null];
  if (rotationDegrees === 90 || rotationDegrees === 270) onScreen.reverse();
  const rate = rational(text(stream['avg_frame_rate']), '/') ?? rational(text(stream['r_frame_rate']), '/');
  const order = text(stream['field_order']);
  return {
    width,
    height,
    displayWidth: onScreen[0] ?? null,
    displayHeight: onScreen[1] ?? null,
    rotationDegrees,
    sampleAspectRatio,
    frameRate: isVideo && rate && rate.num > 0 ? rate : null,
    pixelFormat,
    bitDepth: isVideo ? (positive(integer(stream['bits_per_raw_sample'])) ?? depthOf(pixelFormat)) : null,
    interlaced: isVideo && order !== null && order !== 'progressive' && order !== 'unknown',
    colour: isVideo ? colour(stream) : null,
    reorderDepth: isVideo ? integer(stream['has_b_frames']) : null,
  };
}

function colour(stream: ProbedStream): NonNullable<MediaStream['colour']> {
  const range = text(stream['color_range']);
  return {
    primaries: known(text(stream['color_primaries'])),
    transfer: known(text(stream['color_transfer'])),
    space: known(text(stream['color_space'])),
    range: range === 'tv' ? 'limited' : range === 'pc' ? 'full' : null,
  };
}

/** ffprobe counts counter-clockwise in the display matrix and clockwise in the old `rotate` tag. */
function rotation(stream: ProbedStream): MediaStream['rotationDegrees'] {
  const matrix = stream.side_data_list?.find((data) => 'rotation' in data);
  const turn = matrix ? -(number(matrix['rotation']) ?? 0) : (number(lookup(stream.tags ?? {}, 'rotate')) ?? 0);
  const quarter = ((Math.round(turn / 90) % 4) + 4) % 4;
  return quarter === 1 ? 90 : quarter === 2 ? 180 : quarter === 3 ? 270 : 0;
}

function depthOf(pixelFormat: string | null): number | null {
  if (pixelFormat === null) return null;
  const depth = /p(9|10|12|14|16)(le|be)?$/.exec(pixelFormat)?.[1] ?? /^p0(10|12|16)/.exec(pixelFormat)?.[1];
  return depth === undefined ? 8 : Number(depth);
}

function containerKind(names: readonly string[], brand: string | null, filename: string, streams: readonly MediaStream[]): ContainerKind {
  if (names.includes('mp4')) return brand === 'qt' ? 'mov' : 'mp4';
  if (names.includes('matroska')) {
    // ffprobe has one name for both; the WebM subset is told by the file's name, and only if its codecs allow it.
    const allowed = new Set(['vp8', 'vp9', 'av1', 'opus', 'vorbis']);
    const fits = streams.every((stream) => (stream.kind !== 'video' && stream.kind !== 'audio') || allowed.has(stream.codec));
    return fits && /\.webm$/i.test(filename) ? 'webm' : 'matroska';
  }
  const simple: readonly (readonly [string, ContainerKind])[] = [
    ['mpegts', 'mpegts'], ['flv', 'flv'], ['live_flv', 'flv'], ['avi', 'avi'], ['ogg', 'ogg'], ['mp3', 'mp3'],
    ['flac', 'flac'], ['wav', 'wav'], ['aac', 'adts'],
  ];
  return simple.find(([name]) => names.includes(name))?.[1] ?? 'other';
}

function parseChapter(value: unknown): MediaInfo['chapters'] {
  const chapter = z.looseObject({ tags: tagsSchema.optional() }).safeParse(value);
  if (!chapter.success) return [];
  const startSeconds = number(chapter.data['start_time']);
  const endSeconds = number(chapter.data['end_time']);
  if (startSeconds === null || endSeconds === null) return [];
  return [{ startSeconds, endSeconds, title: clip(lookup(chapter.data.tags ?? {}, 'title') ?? null) }];
}

/** Never half a character. */
function clip(title: string | null): string | null {
  return title !== null && title.length > MAX_TITLE_CHARS ? Array.from(title).slice(0, MAX_TITLE_CHARS).join('') : title;
}

function lookup(tags: Readonly<Record<string, string>>, name: string): string | undefined {
  const exact = tags[name];
  if (exact !== undefined) return exact;
  return Object.entries(tags).find(([key]) => key.toLowerCase() === name)?.[1];
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== 'N/A' ? value : null;
}

function known(value: string | null): string | null {
  return value === null || value === '' || value === 'unknown' || value === 'reserved' ? null : value;
}

function number(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

function integer(value: unknown): number | null {
  const parsed = number(value);
  return parsed !== null && Number.isSafeInteger(parsed) && parsed >= 0 ? parsed : null;
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

function rational(value: string | null, separator: '/' | ':'): Rational | null {
  const [num, den] = (value ?? '').split(separator).map(Number);
  return Number.isSafeInteger(num) && Number.isSafeInteger(den) && den !== undefined && den > 0 && num !== undefined ? { num, den } : null;
}

/** Matroska's DURATION tag: `00:01:02.500000000`. */
function clockSeconds(value: string | undefined): number | null {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(value ?? '');
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : null;
}
