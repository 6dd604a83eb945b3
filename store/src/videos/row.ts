import type { MediaInfo, Video } from '@reelay/contracts';
import type { Queryable } from '../db.ts';

/** A row of `videos`, without what only few callers need. */
export interface VideoRow {
  id: string;
  title: string;
  filename: string;
  /** Relative to the library root. */
  path: string;
  durationSeconds: number | null;
  width: number | null;
  height: number | null;
  frameRate: number | null;
  videoCodec: string | null;
  audioCodec: string | null;
  bitrate: number | null;
  sizeBytes: number;
  orientation: Video['orientation'];
  valid: boolean | null;
  invalidReason: string | null;
  thumbnailPath: string | null;
  isPublic: boolean;
  reencodeJobId: string | null;
  sourceVideoId: string | null;
  tags: string[];
  createdAt: Date;
  /** Identity of the file that the facts were taken from. */
  mtimeMs: number;
  inode: string;
  rev: number;
  deletedAt: Date | null;
  trashPath: string | null;
}

export interface VideoWithMedia extends VideoRow {
  media: MediaInfo | null;
}

/** The columns of a VideoRow, of a table named `v`. */
export const videoColumns = (sql: Queryable) => sql`
  v.id, v.title, v.filename, v.path, v.duration_seconds, v.width, v.height, v.frame_rate, v.video_codec, v.audio_codec, v.bitrate,
  v.size_bytes, v.orientation, v.valid, v.invalid_reason, v.thumbnail_path, v.is_public, v.reencode_job_id, v.source_video_id,
  v.tags, v.created_at, v.mtime_ms, v.inode, v.rev, v.deleted_at, v.trash_path`;

/** The row as the API shows it. */
export const toVideo = (row: VideoRow): Video => ({
  id: row.id, title: row.title, filename: row.filename, path: row.path, durationSeconds: row.durationSeconds, width: row.width,
  height: row.height, frameRate: row.frameRate, videoCodec: row.videoCodec, audioCodec: row.audioCodec, bitrate: row.bitrate,
  sizeBytes: row.sizeBytes, orientation: row.orientation, valid: row.valid, invalidReason: row.invalidReason,
  thumbnailPath: row.thumbnailPath, isPublic: row.isPublic, reencodeJobId: row.reencodeJobId, sourceVideoId: row.sourceVideoId,
  tags: row.tags, createdAt: row.createdAt.toISOString(),
});
