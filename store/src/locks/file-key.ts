import type { Queryable, Tx } from '../db.ts';

/** What a lock is about: `video:<id>`, or `path:<library path>` where no video has the file. */
export type FileKey = `video:${string}` | `path:${string}`;

export const videoFile = (videoId: string): FileKey => `video:${videoId.toLowerCase()}`;
export const pathFile = (path: string): FileKey => `path:${path}`;

/** Both names of a video's file: a job may read it by a path that no video had at the time. */
export const filesOf = (video: { id: string; path: string }): FileKey[] => [videoFile(video.id), pathFile(video.path)];

/** The keys of the files at these paths, one or two for each. */
export const filesAt = async (sql: Queryable, paths: readonly string[]): Promise<FileKey[]> => {
  if (paths.length === 0) return [];
  const videos = await sql<{ id: string }[]>`select id from videos where path = any(${[...paths]}) and deleted_at is null`;
  return [...videos.map(({ id }) => videoFile(id)), ...paths.map(pathFile)];
};

/** Any fixed number: the class of advisory locks under which who uses a file is looked at and changed. */
const LOCK_CLASS = 7_335;

/**
 * Makes everybody else who asks about one of these files wait until the transaction ends. Always in one order, so that
 * two transactions never wait for each other. Take it before any row's lock: rows are never held while waiting here.
 */
export const serialise = async (tx: Tx, files: readonly FileKey[]): Promise<void> => {
  await tx`
    select pg_advisory_xact_lock(${LOCK_CLASS}, sorted.key)
    from (select distinct hashtext(f.name) as key from unnest(${[...files]}::text[]) as f (name) order by 1) as sorted`;
};
