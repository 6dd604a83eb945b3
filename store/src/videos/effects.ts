/** What finished jobs do to videos. Called inside the transaction that completes the job, or that takes an effect batch. */
import type { JobType, MediaInfo, Orientation } from '@reelay/contracts';
import { appendAudit } from '../audit/append.ts';
import type { Queryable, Tx } from '../db.ts';
import { jsonb } from '../json.ts';
import { type VideoRow, videoColumns } from './row.ts';

/** Columns taken from a probe. */
export interface VideoFacts {
  durationSeconds: number | null;
  width: number | null;
  height: number | null;
  frameRate: number | null;
  videoCodec: string | null;
  audioCodec: string | null;
  bitrate: number | null;
  orientation: Orientation | null;
}

export interface VideoFile {
  sizeBytes: number;
  mtimeMs: number;
  inode: string;
}

/** The outcome of looking at a file. `media` is null when it could not be read at all: the old facts stay. */
export interface VideoProbe {
  file: VideoFile | null;
  media: MediaInfo | null;
  facts: VideoFacts | null;
  valid: boolean;
  invalidReason: string | null;
}

/** Writes what a probe found; null when there is no such video any more. */
export const saveProbe = async (tx: Tx, videoId: string, probe: VideoProbe, actor: string): Promise<VideoRow | null> => {
  const { file, facts, media } = probe;
  const columns = {
    valid: probe.valid, invalidReason: probe.invalidReason,
    ...(file === null ? {} : { sizeBytes: file.sizeBytes, mtimeMs: Math.floor(file.mtimeMs), inode: file.inode }),
    ...facts,
  };
  const [row] = await tx<VideoRow[]>`
    update videos v set ${tx(columns)}, media = coalesce(${media === null ? null : jsonb(tx, media)}::jsonb, media), updated_at = now(), rev = rev + 1
    where v.id = ${videoId} and v.deleted_at is null returning ${videoColumns(tx)}`;
  if (!row) return null;
  await appendAudit(tx, { topic: 'videos', entityId: videoId, event: 'probed', actor, detail: probe.invalidReason });
  return row;
};

export const findVideoByPath = async (sql: Queryable, path: string): Promise<VideoRow | null> => {
  const [row] = await sql<VideoRow[]>`select ${videoColumns(sql)} from videos v where v.path = ${path} and v.deleted_at is null`;
  return row ?? null;
};

/** Which of these paths no video has. */
export const unknownPaths = async (sql: Queryable, paths: readonly string[]): Promise<string[]> => {
  const rows = await sql<{ path: string }[]>`
    select p.path from unnest(${[...paths]}::text[]) with ordinality as p (path, n)
    where not exists (select 1 from videos v where v.path = p.path and v.deleted_at is null) order by p.n`;
  return rows.map(({ path }) => path);
};

/** Sets the picture of a video; answers the one it had before, or null when the video is gone. */
export const setThumbnail = async (tx: Tx, videoId: string, path: string, actor: string): Promise<{ before: string | null } | null> => {
  const [video] = await tx<{ thumbnailPath: string | null }[]>`select thumbnail_path from videos where id = ${videoId} and deleted_at is null for update`;
  if (!video) return null;
  await tx`update videos set thumbnail_path = ${path}, updated_at = now(), rev = rev + 1 where id = ${videoId}`;
  await appendAudit(tx, { topic: 'videos', entityId: videoId, event: 'thumbnail', actor });
  return { before: video.thumbnailPath };
};

/** Notes on an original which job encoded it last. */
export const setReencodeJob = async (tx: Tx, videoId: string, jobId: string, actor: string): Promise<void> => {
  const rows = await tx`
    update videos set reencode_job_id = ${jobId}, updated_at = now(), rev = rev + 1 where id = ${videoId} and deleted_at is null returning 1`;
  if (rows.length > 0) await appendAudit(tx, { topic: 'videos', entityId: videoId, event: 'reencoded', actor });
};

/** Marks a video as made from another one. */
export const setSourceVideo = async (tx: Tx, videoId: string, sourceVideoId: string): Promise<void> => {
  await tx`update videos set source_video_id = ${sourceVideoId}, rev = rev + 1 where id = ${videoId} and id <> ${sourceVideoId}`;
};

/** The file of a video has another place from now on. */
export const setVideoPath = async (tx: Tx, videoId: string, path: string, file: VideoFile, actor: string): Promise<void> => {
  await tx`
    update videos set path = ${path}, filename = ${path.slice(path.lastIndexOf('/') + 1)}, size_bytes = ${file.sizeBytes},
      mtime_ms = ${Math.floor(file.mtimeMs)}, inode = ${file.inode}, updated_at = now(), rev = rev + 1
    where id = ${videoId} and deleted_at is null`;
  await tx`update video_indexes set size_bytes = ${file.sizeBytes}, mtime_ms = ${Math.floor(file.mtimeMs)} where video_id = ${videoId}`;
  await appendAudit(tx, { topic: 'videos', entityId: videoId, event: 'moved', actor, detail: path });
};

/** Stores the packet index of a video with the identity of the file it was made from. */
export const saveVideoIndex = async (tx: Tx, videoId: string, index: { data: Uint8Array; facts: Record<string, unknown>; file: VideoFile }): Promise<void> => {
  await tx`
    insert into video_indexes (video_id, data, facts, size_bytes, mtime_ms)
    values (${videoId}, ${index.data}, ${jsonb(tx, index.facts)}, ${index.file.sizeBytes}, ${Math.floor(index.file.mtimeMs)})
    on conflict (video_id) do update set data = excluded.data, facts = excluded.facts, size_bytes = excluded.size_bytes,
      mtime_ms = excluded.mtime_ms, created_at = now()`;
};

export const dropVideoIndex = async (tx: Tx, videoId: string): Promise<void> => {
  await tx`delete from video_indexes where video_id = ${videoId}`;
};

/** Whether a job of this type for this video is still to end. */
export const hasOpenJob = async (sql: Queryable, videoId: string, type: JobType): Promise<boolean> => {
  const rows = await sql`
    select 1 from jobs where video_id = ${videoId} and type = ${type} and status not in ('completed', 'failed', 'cancelled') limit 1`;
  return rows.length > 0;
};

/** Which of these files a video in the trash still refers to. */
export const trashedPaths = async (sql: Queryable, paths: readonly string[]): Promise<string[]> => {
  if (paths.length === 0) return [];
  const rows = await sql<{ trashPath: string }[]>`select trash_path from videos where trash_path = any(${[...paths]})`;
  return rows.map(({ trashPath }) => trashPath);
};
