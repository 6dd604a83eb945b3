import { z } from 'zod';

/** A fraction with integer parts, such as a time base of 1/90000 or a frame rate of 24000/1001. */
export const rationalSchema = z.object({ num: z.int(), den: z.int().positive() });
export type Rational = z.infer<typeof rationalSchema>;

/** What the bytes of the file are, as far as a player cares; `other` is everything unknown. */
export const containerKindSchema = z.enum([
  'mp4', 'mov', 'matroska', 'webm', 'mpegts', 'flv', 'avi', 'ogg', 'mp3', 'flac', 'wav', 'adts', 'other',
]);
export type ContainerKind = z.infer<typeof containerKindSchema>;

export const orientationSchema = z.enum(['landscape', 'portrait', 'square']);
export type Orientation = z.infer<typeof orientationSchema>;

const colourSchema = z.object({
  primaries: z.string().nullable(),
  transfer: z.string().nullable(),
  space: z.string().nullable(),
  range: z.enum(['limited', 'full']).nullable(),
});

/** One stream as probed. Fields that do not apply to its kind are null; pictures attached to audio are kind `other`. */
export const mediaStreamSchema = z.object({
  index: z.int().nonnegative(),
  kind: z.enum(['video', 'audio', 'subtitle', 'other']),
  codec: z.string(),
  profile: z.string().nullable(),
  level: z.int().nullable(),
  /** RFC 6381, such as `avc1.64001f` or `mp4a.40.2`; null when it cannot be known. */
  codecString: z.string().nullable(),
  timeBase: rationalSchema,
  startTimeSeconds: z.number().nullable(),
  durationSeconds: z.number().nonnegative().nullable(),
  bitrateKbps: z.number().nonnegative().nullable(),
  language: z.string().nullable(),
  title: z.string().nullable(),
  /** The names of the disposition flags that are set: `default`, `forced`, `attached_pic`, … */
  disposition: z.array(z.string()),
  width: z.int().positive().nullable(),
  height: z.int().positive().nullable(),
  /** Size on screen: sample aspect ratio and rotation applied. */
  displayWidth: z.int().positive().nullable(),
  displayHeight: z.int().positive().nullable(),
  /** Clockwise turn for display. */
  rotationDegrees: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
  sampleAspectRatio: rationalSchema.nullable(),
  frameRate: rationalSchema.nullable(),
  pixelFormat: z.string().nullable(),
  bitDepth: z.int().positive().nullable(),
  interlaced: z.boolean(),
  colour: colourSchema.nullable(),
  /** How many pictures may be reordered; 0 means pts equals dts. Null when unknown. */
  reorderDepth: z.int().nonnegative().nullable(),
  channels: z.int().positive().nullable(),
  channelLayout: z.string().nullable(),
  sampleRate: z.int().positive().nullable(),
  /** The decoder's configuration as the demuxer gives it (avcC, AudioSpecificConfig, OpusHead, …), base64. */
  extradata: z.string().nullable(),
});
export type MediaStream = z.infer<typeof mediaStreamSchema>;

export const chapterSchema = z.object({
  startSeconds: z.number(),
  endSeconds: z.number(),
  title: z.string().nullable(),
});

/** What a probe of one file found, in our own units and words. */
export const mediaInfoSchema = z.object({
  container: containerKindSchema,
  formatNames: z.array(z.string()),
  majorBrand: z.string().nullable(),
  durationSeconds: z.number().nonnegative().nullable(),
  startTimeSeconds: z.number(),
  bitrateKbps: z.number().nonnegative().nullable(),
  sizeBytes: z.number().nonnegative().nullable(),
  streams: z.array(mediaStreamSchema),
  chapters: z.array(chapterSchema),
});
export type MediaInfo = z.infer<typeof mediaInfoSchema>;

/** The stream a player would show: the default one, else the first; undefined when there is none. */
export function mainStream(info: MediaInfo, kind: 'video' | 'audio'): MediaStream | undefined {
  const streams = info.streams.filter((stream) => stream.kind === kind);
  return streams.find((stream) => stream.disposition.includes('default')) ?? streams[0];
}

/** Orientation by the size on screen; null for a file without video. */
export function orientationOf(info: MediaInfo): Orientation | null {
  const video = mainStream(info, 'video');
  if (!video?.displayWidth || !video.displayHeight) return null;
  if (video.displayWidth === video.displayHeight) return 'square';
  return video.displayWidth > video.displayHeight ? 'landscape' : 'portrait';
}

/** A rational as a number; 0 for an empty one. */
export function rationalValue(value: Rational | null): number {
  return value ? value.num / value.den : 0;
}
