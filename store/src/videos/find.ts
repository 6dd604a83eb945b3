import type { Queryable, Tx } from '../db.ts';
import { type VideoRow, videoColumns, type VideoWithMedia } from './row.ts';

/** A video that is not in the trash. */
export const findVideo = async (sql: Queryable, id: string): Promise<VideoRow | null> => {
  const [row] = await sql<VideoRow[]>`select ${videoColumns(sql)} from videos v where v.id = ${id} and v.deleted_at is null`;
  return row ?? null;
};

/** As findVideo, with the probe result. */
export const findVideoWithMedia = async (sql: Queryable, id: string): Promise<VideoWithMedia | null> => {
  const [row] = await sql<VideoWithMedia[]>`select ${videoColumns(sql)}, v.media from videos v where v.id = ${id} and v.deleted_at is null`;
  return row ?? null;
};

/** As findVideo, and locks the row until the transaction ends. */
export const lockVideo = async (tx: Tx, id: string): Promise<VideoRow | null> => {
  const [row] = await tx<VideoRow[]>`select ${videoColumns(tx)} from videos v where v.id = ${id} and v.deleted_at is null for update`;
  return row ?? null;
};

/** A video in the trash. */
export const findTrashedVideo = async (sql: Queryable, id: string): Promise<VideoRow | null> => {
  const [row] = await sql<VideoRow[]>`select ${videoColumns(sql)} from videos v where v.id = ${id} and v.deleted_at is not null`;
  return row ?? null;
};

export const findVideosByIds = async (sql: Queryable, ids: readonly string[]): Promise<VideoRow[]> =>
  ids.length === 0 ? [] : [...(await sql<VideoRow[]>`select ${videoColumns(sql)} from videos v where v.id = any(${[...ids]}::uuid[]) and v.deleted_at is null`)];

/** Path by id; ids of no video (or of one in the trash) are left out. */
export const readVideoPaths = async (sql: Queryable, ids: readonly string[]): Promise<Map<string, string>> => {
  if (ids.length === 0) return new Map();
  const rows = await sql<{ id: string; path: string }[]>`select id, path from videos where id = any(${[...ids]}::uuid[]) and deleted_at is null`;
  return new Map(rows.map(({ id, path }) => [id, path]));
};

export interface StoredIndex {
  data: Uint8Array;
  facts: Record<string, unknown>;
  sizeBytes: number;
  mtimeMs: number;
}

/** Packet index of a video with the identity of the file it was made from. */
export const readVideoIndex = async (sql: Queryable, videoId: string): Promise<StoredIndex | null> => {
  const [row] = await sql<StoredIndex[]>`select data, facts, size_bytes, mtime_ms from video_indexes where video_id = ${videoId}`;
  return row ?? null;
};

/** The index's facts alone, for deciding how to play; null when there is no index. */
export const readIndexFacts = async (sql: Queryable, videoId: string): Promise<Omit<StoredIndex, 'data'> | null> => {
  const [row] = await sql<Omit<StoredIndex, 'data'>[]>`select facts, size_bytes, mtime_ms from video_indexes where video_id = ${videoId}`;
  return row ?? null;
};
