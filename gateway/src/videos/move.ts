import { posix } from 'node:path';
import type { User, Video } from '@reelay/contracts';
import { type Ctx, errorCode, type LibraryRoot } from '@reelay/runtime';
import { findTrashedVideo, findVideo, inTransaction, requireWrite, restoreVideo, type Sql, toVideo, trashVideo, updateVideo, type VideoChange, type VideoRow } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';
import type { WriteGrant, WriteLocks, WriteMode } from '../locks/write-locks.ts';
import { numberedName } from './file-name.ts';
import { dropEmptyFolder, isTaken, isThere } from './file-names.ts';
import { relocate } from './relocate.ts';

/** Deleted files: `.trash/<video id>/<file name>`, inside the library and so on its file system. */
const TRASH = '.trash';
const MAX_NAMES = 1000;

export interface MoveDeps {
  sql: Sql;
  library: LibraryRoot;
  writes: WriteLocks;
}

/** On whose behalf, and how others that use the file are met. */
export interface MoveRequest extends WriteMode {
  user: User;
  ctx: Ctx;
}

const notFound = (id: string): HttpProblem => new HttpProblem('video_not_found', `There is no video ${id}`);

/** The row, which must be there. @throws HttpProblem video_not_found */
const found = (row: VideoRow | null, id: string): VideoRow => {
  if (row === null) throw notFound(id);
  return row;
};

/**
 * Changes a video; with `filename` its file gets that name in the same folder.
 * @throws HttpProblem video_not_found, name_taken, file_missing, file_in_use
 */
export const changeVideo = async (deps: MoveDeps, id: string, change: Omit<VideoChange, 'path'> & { filename?: string | undefined }, request: MoveRequest): Promise<Video> => {
  const { filename, ...rest } = change;
  const { username } = request.user;
  const known = found(await findVideo(deps.sql, id), id);
  if (filename === undefined || filename === known.filename) {
    return toVideo(found(await inTransaction(deps.sql, (tx) => updateVideo(tx, id, rest, username)), id));
  }
  try {
    return await deps.writes.alone(known, { ...request, action: 'rename', actor: username }, async (grant) => {
      // It may have been moved while this request waited.
      const { path: from } = found(await findVideo(deps.sql, id), id);
      const path = posix.join(posix.dirname(from), filename);
      const row = await relocate(deps, grant, { videoId: id, from, to: path }, async (tx) => found(await updateVideo(tx, id, { ...rest, path }, username), id));
      return toVideo(row ?? found(await findVideo(deps.sql, id), id));
    });
  } catch (error) {
    if (errorCode(error) === '23505') throw new HttpProblem('name_taken', 'Another video has this path', { cause: error });
    throw error;
  }
};

/** Moves a video to the trash, its file with it. @throws HttpProblem video_not_found, file_in_use */
export const deleteVideo = async (deps: MoveDeps, id: string, request: MoveRequest): Promise<void> => {
  const { sql, library, writes } = deps;
  const { username } = request.user;
  const known = found(await findVideo(sql, id), id);
  await writes.alone(known, { ...request, action: 'delete', actor: username }, async (grant) => {
    const { path: from, filename } = found(await findVideo(sql, id), id);
    const trash = (to: string | null) => async (tx: Parameters<typeof trashVideo>[0]): Promise<void> => {
      if (!(await trashVideo(tx, id, to, username))) throw notFound(id);
    };
    if (await isThere(library.resolve(from))) {
      const to = await freeName(library, posix.join(TRASH, id), filename);
      await relocate(deps, grant, { videoId: id, from, to }, trash(to));
      return;
    }
    await inTransaction(sql, async (tx) => {
      await requireWrite(tx, grant.ticket);
      await trash(null)(tx);
    });
  });
};

/** A path in the folder that nothing has: `film.mp4`, `film (2).mp4` … */
const freeName = async (library: LibraryRoot, folder: string, filename: string): Promise<string> => {
  for (let n = 1; n <= MAX_NAMES; n += 1) {
    const path = posix.join(folder, numberedName(filename, n));
    if (!(await isTaken(await library.resolveForCreate(path)))) return path;
  }
  throw new HttpProblem('name_taken', 'There is no free name for the file');
};

/** The record cannot have this path: another video has it, whose file is gone. */
const PATH_TAKEN = 'path_taken';

/** Takes a video out of the trash: to its old path, or beside it under a free name. @throws HttpProblem video_not_found, file_missing, name_taken */
export const undeleteVideo = async (deps: MoveDeps, id: string, request: MoveRequest): Promise<Video> => {
  const known = found(await findTrashedVideo(deps.sql, id), id);
  return deps.writes.alone(known, { ...request, action: 'restore', actor: request.user.username }, async (grant) => {
    const video = found(await findTrashedVideo(deps.sql, id), id);
    const { trashPath } = video;
    if (trashPath === null) throw new HttpProblem('file_missing', 'The file was gone before the video was deleted');
    await deps.library.resolveExisting(trashPath);
    for (let n = 1; n <= MAX_NAMES; n += 1) {
      const path = posix.join(posix.dirname(video.path), numberedName(video.filename, n));
      const restored = await restoreTo(deps, grant, { videoId: id, from: trashPath, to: path }, request.user.username);
      if (restored === PATH_TAKEN) continue;
      await dropEmptyFolder(posix.dirname(deps.library.resolve(trashPath)));
      return toVideo(restored ?? found(await findVideo(deps.sql, id), id));
    }
    throw new HttpProblem('name_taken', 'There is no free name for the file');
  });
};

const restoreTo = async (deps: MoveDeps, grant: WriteGrant, move: { videoId: string; from: string; to: string }, actor: string): Promise<VideoRow | typeof PATH_TAKEN | null> => {
  try {
    return await relocate(deps, grant, move, async (tx) => {
      const row = await restoreVideo(tx, move.videoId, move.to, actor);
      if (row === null) throw notFound(move.videoId);
      if (row === 'path_taken') throw new HttpProblem('name_taken', `Another video has the path ${move.to}`);
      return row;
    });
  } catch (error) {
    // A file or a record has the name already; a record that got it in the same moment, too.
    if (errorCode(error) === 'name_taken' || errorCode(error) === '23505') return PATH_TAKEN;
    throw error;
  }
};
