// What goes with the pictures and is made ahead by jobs: subtitles as text, and small pictures for the seek bar. Each kind is
// one file in the library with all its parts one behind the other; the store knows where each part lies.
import { z } from 'zod';
import type { MediaInfo, MediaStream } from './media-info.ts';

const part = { from: z.int().min(0), bytes: z.int().min(1) };

/** One subtitle track: a whole WebVTT file within the stored one, on the clock of the video's file. */
export const subtitleTrackSchema = z.object({
  /** `s0` is the first text subtitle of the file; files beside it follow. */
  id: z.string().regex(/^s\d{1,3}$/),
  language: z.string().max(64).nullable(),
  title: z.string().max(300).nullable(),
  isDefault: z.boolean(),
  isForced: z.boolean(),
  /** For people who do not hear: sounds are described. */
  isForDeaf: z.boolean(),
  cues: z.int().min(1),
  ...part,
});
export type SubtitleTrack = z.infer<typeof subtitleTrackSchema>;
export const subtitleTracksSchema = z.array(subtitleTrackSchema).max(200);

/** Pictures at a steady distance, `columns` × `rows` to a sheet, each sheet a JPEG within the stored file. */
export const storyboardSchema = z.object({
  intervalSeconds: z.number().positive(),
  pictures: z.int().min(1),
  tileWidth: z.int().min(1),
  tileHeight: z.int().min(1),
  columns: z.int().min(1),
  rows: z.int().min(1),
  sheets: z.array(z.object(part)).min(1).max(100),
});
export type Storyboard = z.infer<typeof storyboardSchema>;

const TEXT_CODECS: ReadonlySet<string> = new Set(['subrip', 'srt', 'ass', 'ssa', 'mov_text', 'text', 'webvtt', 'microdvd', 'subviewer', 'subviewer1', 'sami', 'realtext']);

/** The subtitles of a file that are text. Pictures of text (DVD, Blu-ray, DVB) are none. WebVTT in MP4 is wrapped in boxes that ffmpeg does not open. */
export function textSubtitles({ container, streams }: MediaInfo): MediaStream[] {
  const wrapped = container === 'mp4' || container === 'mov';
  return streams.filter(({ kind, codec }) => kind === 'subtitle' && TEXT_CODECS.has(codec) && !(wrapped && codec === 'webvtt'));
}

/** What a track is called in menus. */
export function subtitleLabel({ title, language, id, isForced, isForDeaf }: Pick<SubtitleTrack, 'title' | 'language' | 'id' | 'isForced' | 'isForDeaf'>): string {
  if (title !== null && title !== '') return title;
  const name = language ?? `Subtitles ${Number(id.slice(1)) + 1}`;
  return `${name}${isForced ? ' (forced)' : ''}${isForDeaf ? ' (SDH)' : ''}`;
}
