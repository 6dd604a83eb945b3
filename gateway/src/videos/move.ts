import { link, lstat, mkdir, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { User, Video } from '@reelay/contracts';
import { errorCode, type LibraryRoot } from '@reelay/runtime';
import { findJobUsing, inTransaction, lockTrashedVideo, lockVideo, restoreVideo, type Sql, toVideo, trashVideo, type Tx, updateVideo, type VideoChange, type VideoRow } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';
import { numberedName } from './file-name.ts';

/** Deleted files: `.trash/<video id>/<file name>`, inside the library and so on its file system. */
const TRASH = '.trash';

export interface MoveDeps {
  sql: Sql;
  library: LibraryRoot;
}

const notFound = (id: string): HttpProblem => new HttpProblem('video_not_found', `There is no video ${id}`);

/** @throws HttpProblem file_in_use, naming the job that has the file */
const refuseWhileInUse = async (tx: Tx, video: VideoRow): Promise<void> => {
  const job = await findJobUsing(tx, video);
  if (job === null) return;
  throw new HttpProblem('file_in_use', `The file is in use by the ${job.type} job ${job.id}, which is ${job.status}`, {
    errors: [{ path: 'jobId', message: job.id }],
  });
};

const isThere = async (path: string): Promise<boolean> => {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
};

/** A second name for the file, never over another one. @throws HttpProblem name_taken, file_missing */
const linkTo = async (from: string, to: string, shown: string): Promise<void> => {
  try {
    await link(from, to);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw new HttpProblem('name_taken', `There is a file ${shown} already`, { cause: error });
    if (errorCode(error) === 'ENOENT') throw new HttpProblem('file_missing', 'The file of this video is gone', { cause: error });
    throw error;
  }
};

/**
 * Changes a video; with `filename` its file gets that name in the same folder: linked first, the record changed, the
 * old name removed after the commit. A crash in between leaves a second name, never a record without a file.
 */
export const changeVideo = async (deps: MoveDeps, id: string, change: Omit<VideoChange, 'path'> & { filename?: string | undefined }, user: User): Promise<Video> => {
  const { filename, ...rest } = change;
  let undo: string | null = null;
  let after: string | null = null;
  try {
    const row = await inTransaction(deps.sql, async (tx) => {
      const video = await lockVideo(tx, id);
      if (video === null) throw notFound(id);
      let path: string | undefined;
      if (filename !== undefined && filename !== video.filename) {
        await refuseWhileInUse(tx, video);
        path = posix.join(posix.dirname(video.path), filename);
        const from = await deps.library.resolveExisting(video.path);
        const to = await deps.library.resolveForCreate(path);
        await linkTo(from, to, path);
        [undo, after] = [to, join(deps.library.path, video.path)];
      }
      const updated = await updateVideo(tx, id, path === undefined ? rest : { ...rest, path }, user.username);
      if (updated === null) throw notFound(id);
      return updated;
    });
    if (after !== null) await unlink(after);
    return toVideo(row);
  } catch (error) {
    if (undo !== null && after !== null && (await isThere(after))) await unlink(undo).catch(() => undefined);
    if (errorCode(error) === '23505') throw new HttpProblem('name_taken', 'Another video has this path', { cause: error });
    throw error;
  }
};

/** Moves a video to the trash, its file with it. */
export const deleteVideo = async ({ sql, library }: MoveDeps, id: string, user: User): Promise<void> => {
  let undo: { from: string; to: string } | null = null;
  try {
    await inTransaction(sql, async (tx) => {
      const video = await lockVideo(tx, id);
      if (video === null) throw notFound(id);
      await refuseWhileInUse(tx, video);
      const from = library.resolve(video.path);
      const there = await isThere(from);
      const trashPath = posix.join(TRASH, id, video.filename);
      if (there) {
        const to = await library.resolveForCreate(trashPath);
        await mkdir(dirname(to), { recursive: true });
        await rename(from, to);
        undo = { from, to };
      }
      await trashVideo(tx, id, there ? trashPath : null, user.username);
    });
  } catch (error) {
    await moveBack(undo);
    throw error;
  }
};

const moveBack = async (moved: { from: string; to: string } | null): Promise<void> => {
  if (moved === null) return;
  await link(moved.to, moved.from).then(() => unlink(moved.to)).catch(() => undefined);
};

const MAX_NAMES = 1000;

/** Takes a video out of the trash: to its old path, or beside it under a free name. */
export const undeleteVideo = async ({ sql, library }: MoveDeps, id: string, user: User): Promise<Video> => {
  let made: string | null = null;
  let trashed: string | null = null;
  try {
    const row = await inTransaction(sql, async (tx) => {
      const video = await lockTrashedVideo(tx, id);
      if (video === null) throw notFound(id);
      if (video.trashPath === null) throw new HttpProblem('file_missing', 'The file was gone before the video was deleted');
      trashed = await library.resolveExisting(video.trashPath);
      for (let n = 1; n <= MAX_NAMES; n += 1) {
        const path = posix.join(posix.dirname(video.path), numberedName(video.filename, n));
        const to = await library.resolveForCreate(path);
        await mkdir(dirname(to), { recursive: true });
        if (!(await tryLink(trashed, to))) continue;
        made = to;
        const restored = await restoreVideo(tx, id, path, user.username);
        if (restored === null) throw notFound(id);
        if (restored !== 'path_taken') return restored;
        await unlink(to);
        made = null;
      }
      throw new HttpProblem('name_taken', 'There is no free name for the file');
    });
    if (trashed !== null) {
      await unlink(trashed);
      await rmdir(dirname(trashed)).catch(() => undefined);
    }
    return toVideo(row);
  } catch (error) {
    if (made !== null) await unlink(made).catch(() => undefined);
    throw error;
  }
};

const tryLink = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
};
