import { appendAudit } from '../audit/append.ts';
import type { Tx } from '../db.ts';
import { type VideoRow, videoColumns } from './row.ts';

export interface NewVideo {
  /** UUID v7. */
  id: string;
  title: string;
  /** Relative to the library root; the file name is its last part. */
  path: string;
  sizeBytes: number;
  mtimeMs: number;
  inode: string;
  isPublic?: boolean | undefined;
  sourceVideoId?: string | null | undefined;
}

/** Adds a video whose facts are not known yet; null when another video has the path. */
export const insertVideo = async (tx: Tx, video: NewVideo, actor: string): Promise<VideoRow | null> => {
  const filename = video.path.slice(video.path.lastIndexOf('/') + 1);
  const [row] = await tx<VideoRow[]>`
    insert into videos as v (id, title, filename, path, size_bytes, mtime_ms, inode, is_public, source_video_id)
    values (${video.id}, ${video.title}, ${filename}, ${video.path}, ${video.sizeBytes}, ${Math.floor(video.mtimeMs)}, ${video.inode},
            ${video.isPublic ?? false}, ${video.sourceVideoId ?? null})
    on conflict (path) where deleted_at is null do nothing
    returning ${videoColumns(tx)}`;
  if (row === undefined) return null;
  await appendAudit(tx, { topic: 'videos', entityId: row.id, event: 'created', actor });
  return row;
};
