/** Files in the library that jobs make to go with a video: one of each kind. */
import { type Storyboard, storyboardSchema, type SubtitleTrack, subtitleTracksSchema } from '@reelay/contracts';
import type { Queryable, Tx } from '../db.ts';
import { jsonb } from '../json.ts';

export interface SubtitleFile {
  /** Relative to the library root. */
  path: string;
  tracks: SubtitleTrack[];
}
export interface StoryboardFile {
  path: string;
  board: Storyboard;
}
export interface SideFiles {
  subtitles: SubtitleFile | null;
  storyboard: StoryboardFile | null;
}

type Kind = 'subtitles' | 'storyboard';

/** Notes a video's new file; answers the path of the one before, which nobody refers to any more. */
const save = async (tx: Tx, videoId: string, kind: Kind, path: string, description: unknown): Promise<string | null> => {
  const before = await drop(tx, videoId, kind);
  await tx`insert into video_side_files (video_id, kind, path, description) values (${videoId}, ${kind}, ${path}, ${jsonb(tx, description)})`;
  return before === path ? null : before;
};

const drop = async (tx: Tx, videoId: string, kind: Kind): Promise<string | null> => {
  const [row] = await tx<{ path: string }[]>`delete from video_side_files where video_id = ${videoId} and kind = ${kind} returning path`;
  return row?.path ?? null;
};

export const saveSubtitles = (tx: Tx, videoId: string, { path, tracks }: SubtitleFile): Promise<string | null> => save(tx, videoId, 'subtitles', path, tracks);
export const dropSubtitles = (tx: Tx, videoId: string): Promise<string | null> => drop(tx, videoId, 'subtitles');
export const saveStoryboard = (tx: Tx, videoId: string, { path, board }: StoryboardFile): Promise<string | null> => save(tx, videoId, 'storyboard', path, board);

/** What goes with a video; a description that an earlier release wrote in another form counts as none. */
export const readSideFiles = async (sql: Queryable, videoId: string): Promise<SideFiles> => {
  const rows = await sql<{ kind: Kind; path: string; description: unknown }[]>`select kind, path, description from video_side_files where video_id = ${videoId}`;
  const files: SideFiles = { subtitles: null, storyboard: null };
  for (const { kind, path, description } of rows) {
    if (kind === 'subtitles') {
      const tracks = subtitleTracksSchema.safeParse(description);
      if (tracks.success) files.subtitles = { path, tracks: tracks.data };
    } else {
      const board = storyboardSchema.safeParse(description);
      if (board.success) files.storyboard = { path, board: board.data };
    }
  }
  return files;
};
