import type { ContainerKind, MediaStream } from '@reelay/contracts';

// What browsers play and what segments can carry, by ffprobe's codec name.

/** Codecs that our fMP4 writer can describe. */
const SEGMENT_VIDEO: ReadonlySet<string> = new Set(['h264', 'hevc', 'vp9', 'av1']);
const SEGMENT_AUDIO: ReadonlySet<string> = new Set(['aac', 'mp3', 'opus', 'flac']);
/** These containers wrap other codecs in ways of their own (Opus control headers, AC-3 in FLV, …). */
const NARROW: Partial<Record<ContainerKind, ReadonlySet<string>>> = {
  mpegts: new Set(['h264', 'hevc', 'aac', 'mp3']),
  flv: new Set(['h264', 'aac', 'mp3']),
  avi: new Set(['h264', 'aac', 'mp3']),
};

/** Whether a stream of a file can be carried in segments, as far as its codec and container go. */
export function fitsSegments(container: ContainerKind, stream: MediaStream): boolean {
  const set = stream.kind === 'video' ? SEGMENT_VIDEO : SEGMENT_AUDIO;
  return set.has(stream.codec) && (NARROW[container]?.has(stream.codec) ?? true);
}

/** Codecs that a `<video>` element plays from the file as it is, by container. */
const DIRECT: Partial<Record<ContainerKind, ReadonlySet<string>>> = {
  mp4: new Set(['h264', 'hevc', 'vp9', 'av1', 'aac', 'mp3', 'opus', 'flac']),
  webm: new Set(['vp8', 'vp9', 'av1', 'opus', 'vorbis']),
  ogg: new Set(['opus', 'vorbis', 'flac']),
  mp3: new Set(['mp3']),
  flac: new Set(['flac']),
  wav: new Set(['pcm_s16le', 'pcm_u8', 'pcm_s24le', 'pcm_f32le']),
  adts: new Set(['aac']),
};
/** Not what the standards say, but browsers play them: the way out when segments cannot be made. */
const DIRECT_LAST_RESORT: Partial<Record<ContainerKind, ReadonlySet<string>>> = {
  mov: new Set(['h264', 'aac', 'mp3']),
  matroska: new Set(['vp8', 'vp9', 'av1', 'opus', 'vorbis']),
};

/** Whether the browser's own demuxer takes this stream in this container. */
export function fitsDirect(container: ContainerKind, stream: MediaStream, lastResort = false): boolean {
  const set = (lastResort ? DIRECT_LAST_RESORT : DIRECT)[container];
  return set?.has(stream.codec) ?? false;
}

/** What an ordinary browser of today decodes; HEVC only where the client says so. */
const COMMON: readonly string[] = ['h264', 'vp8', 'vp9', 'av1', 'aac', 'mp3', 'opus', 'vorbis', 'flac', 'pcm'];

const FAMILIES: readonly (readonly [prefix: string, codec: string])[] = [
  ['avc', 'h264'], ['h264', 'h264'], ['hvc', 'hevc'], ['hev', 'hevc'], ['vp08', 'vp8'], ['vp8', 'vp8'], ['vp09', 'vp9'], ['vp9', 'vp9'],
  ['av01', 'av1'], ['av1', 'av1'], ['mp4a.69', 'mp3'], ['mp4a.6b', 'mp3'], ['mp4a.40.34', 'mp3'], ['mp3', 'mp3'], ['mp4a', 'aac'],
  ['aac', 'aac'], ['opus', 'opus'], ['vorbis', 'vorbis'], ['flac', 'flac'], ['pcm', 'pcm'],
];

/** Whether a client decodes a stream; `clientCodecs` are RFC 6381 strings or plain names, null for an ordinary browser. */
export function clientDecodes(stream: MediaStream, clientCodecs: readonly string[] | null): boolean {
  const codecs = clientCodecs === null ? COMMON : clientCodecs.map(familyOf);
  if (!codecs.includes(stream.codec.startsWith('pcm_') ? 'pcm' : stream.codec)) return false;
  if (stream.codec !== 'h264' || isPlain420(stream)) return true;
  // Ten bits or finer chroma: only for a client that names this very profile.
  const profile = stream.codecString?.slice(0, 9).toLowerCase();
  return profile !== undefined && (clientCodecs ?? []).some((name) => name.toLowerCase().startsWith(profile));
}

function isPlain420(stream: MediaStream): boolean {
  return stream.pixelFormat === null || /^(yuvj?420p|nv12|gray)$/.test(stream.pixelFormat);
}

function familyOf(name: string): string {
  const lower = name.trim().toLowerCase();
  return FAMILIES.find(([prefix]) => lower.startsWith(prefix))?.[1] ?? lower;
}

const NAMES: Readonly<Record<string, string>> = {
  h264: 'H.264', hevc: 'HEVC', vp8: 'VP8', vp9: 'VP9', av1: 'AV1', mpeg4: 'MPEG-4 Part 2', mpeg2video: 'MPEG-2', mpeg1video: 'MPEG-1',
  msmpeg4v3: 'MS MPEG-4', wmv3: 'WMV', vc1: 'VC-1', prores: 'ProRes', dnxhd: 'DNxHD', mjpeg: 'Motion JPEG', flv1: 'Sorenson Spark',
  theora: 'Theora', h263: 'H.263', aac: 'AAC', mp3: 'MP3', opus: 'Opus', vorbis: 'Vorbis', flac: 'FLAC', ac3: 'AC-3', eac3: 'E-AC-3',
  dts: 'DTS', truehd: 'TrueHD', mp2: 'MP2', wmav2: 'WMA', alac: 'ALAC', aac_latm: 'AAC (LATM)', amr_nb: 'AMR',
};

/** A codec's name as people write it. */
export function codecName(stream: MediaStream): string {
  const name = NAMES[stream.codec] ?? (stream.codec.startsWith('pcm_') ? 'PCM' : stream.codec);
  const depth = stream.kind === 'video' && stream.bitDepth !== null && stream.bitDepth > 8 ? ` with ${stream.bitDepth}-bit colour` : '';
  return stream.codec === 'h264' && depth === '' && !isPlain420(stream) ? `${name} (${stream.pixelFormat ?? ''})` : `${name}${depth}`;
}
