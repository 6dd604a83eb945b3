import { z } from 'zod';
import { listOf, pagingQuery, queryBoolean } from './paging.ts';

const time = z.iso.datetime();

export const ORIENTATIONS = ['landscape', 'portrait', 'square'] as const;
export const videoSchema = z.object({
  id: z.uuid(),
  title: z.string(),
  filename: z.string(),
  /** Relative to the library root. */
  path: z.string(),
  durationSeconds: z.number().nullable(),
  width: z.int().nullable(),
  height: z.int().nullable(),
  frameRate: z.number().nullable(),
  videoCodec: z.string().nullable(),
  audioCodec: z.string().nullable(),
  /** kbit/s */
  bitrate: z.int().nullable(),
  sizeBytes: z.int(),
  orientation: z.enum(ORIENTATIONS).nullable(),
  /** null until the first validation has ended. */
  valid: z.boolean().nullable(),
  invalidReason: z.string().nullable(),
  thumbnailPath: z.string().nullable(),
  isPublic: z.boolean(),
  reencodeJobId: z.uuid().nullable(),
  sourceVideoId: z.uuid().nullable(),
  tags: z.array(z.string()),
  createdAt: time,
});
export type Video = z.infer<typeof videoSchema>;
export const videoListSchema = listOf(videoSchema);

export const VIDEO_SORTS = ['createdAt', '-createdAt', 'title', '-title', 'durationSeconds', '-durationSeconds', 'sizeBytes', '-sizeBytes'] as const;
export const videoListQuery = z.strictObject({
  ...pagingQuery,
  q: z.string().max(200).optional(),
  orientation: z.enum(ORIENTATIONS).optional(),
  codec: z.string().max(40).optional(),
  minDuration: z.coerce.number().min(0).optional(),
  maxDuration: z.coerce.number().min(0).optional(),
  tag: z.string().max(100).optional(),
  valid: queryBoolean.optional(),
  public: queryBoolean.optional(),
  /** First folder of the path: inbox, playback, library/videos … */
  location: z.string().max(200).optional(),
  sort: z.enum(VIDEO_SORTS).default('-createdAt'),
});
export type VideoListQuery = z.infer<typeof videoListQuery>;
export const patchVideoRequest = z
  .strictObject({
    title: z.string().trim().min(1).max(300).optional(),
    /** New file name in the same folder: the file itself is renamed. */
    filename: z.string().min(1).max(255).optional(),
    isPublic: z.boolean().optional(),
    tags: z.array(z.string().trim().min(1).max(100)).max(100).optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'give at least one field' });
export const uploadQuery = z.strictObject({ filename: z.string().min(1).max(255) });

export const PLAYBACK_MODES = ['direct', 'remux', 'transcode', 'none'] as const;
export const playbackRenditionSchema = z.object({
  /** Part of the URL: `<masterUrl without master.m3u8>/<id>/index.m3u8`. */
  id: z.string(),
  /** For people: 1080p. */
  label: z.string(),
  width: z.int().nullable(),
  height: z.int().nullable(),
  /** kbit/s on average; null when it is not known. */
  kbps: z.int().nullable(),
  /** `copy`: the file's own pictures; `encode`: made while somebody watches. */
  mode: z.enum(['copy', 'encode']),
});
export type PlaybackRendition = z.infer<typeof playbackRenditionSchema>;
export const playbackAudioTrackSchema = z.object({
  id: z.string(), label: z.string(), language: z.string().nullable(), codec: z.string(), channels: z.int().nullable(), isDefault: z.boolean(), mode: z.enum(['copy', 'encode']),
});
export type PlaybackAudioTrack = z.infer<typeof playbackAudioTrackSchema>;
export const playbackSubtitleSchema = z.object({
  id: z.string(), label: z.string(), language: z.string().nullable(), isDefault: z.boolean(), isForced: z.boolean(),
  /** The whole track as WebVTT. */
  url: z.string(),
});
export type PlaybackSubtitle = z.infer<typeof playbackSubtitleSchema>;
export const playbackSchema = z.object({
  mode: z.enum(PLAYBACK_MODES),
  /** One sentence: why this mode. */
  reason: z.string(),
  /** False: it would be encoded while you watch, but no node can do that at the moment; it is worth trying again. */
  available: z.boolean(),
  masterUrl: z.string().nullable(),
  fileUrl: z.string().nullable(),
  /** Master playlist of encoded renditions, for viewers of a direct or remuxed video who want a lower bitrate. */
  ladderUrl: z.string().nullable(),
  durationSeconds: z.number().nullable(),
  /** Video renditions behind `masterUrl` and `ladderUrl`, the largest first. */
  renditions: z.array(playbackRenditionSchema),
  audioTracks: z.array(playbackAudioTrackSchema),
  subtitles: z.array(playbackSubtitleSchema),
  /** WebVTT with pictures for the seek bar. */
  storyboardUrl: z.string().nullable(),
  /** As `masterUrl`, for players that cannot sign in: whoever has it may watch this video until then. Null when nobody is signed in. */
  signedMasterUrl: z.string().nullable(),
  /** As `fileUrl`, likewise. */
  signedFileUrl: z.string().nullable(),
  /** When they end. Ask for the playback again before, and go on with the new ones. */
  signedUntil: z.iso.datetime().nullable(),
});
export type Playback = z.infer<typeof playbackSchema>;
/** Suffixes that are taken for videos when a folder is scanned. */
export const VIDEO_EXTENSIONS = ['.mp4', '.m4v', '.mov', '.mkv', '.webm', '.ts', '.m2ts', '.mts', '.flv', '.avi', '.wmv', '.mpg', '.mpeg', '.ogv', '.3gp'] as const;
