import { appendAudit } from '../audit/append.ts';
import type { Tx } from '../db.ts';
import { type VideoRow, videoColumns } from './row.ts';

/** What a person may change. `path` also sets the file name: the caller has moved the file. */
export interface VideoChange {
  title?: string | undefined;
  path?: string | undefined;
  isPublic?: boolean | undefined;
  tags?: readonly string[] | undefined;
}

/** Changes a video that is not in the trash; null when there is none. */
export const updateVideo = async (tx: Tx, id: string, change: VideoChange, actor: string): Promise<VideoRow | null> => {
  const columns = {
    ...(change.title === undefined ? {} : { title: change.title }),
    ...(change.path === undefined ? {} : { path: change.path, filename: change.path.slice(change.path.lastIndexOf('/') + 1) }),
    ...(change.isPublic === undefined ? {} : { isPublic: change.isPublic }),
    ...(change.tags === undefined ? {} : { tags: [...change.tags] }),
    updatedAt: new Date(),
  };
  const [row] = await tx<VideoRow[]>`
    update videos v set ${tx(columns)}, rev = rev + 1 where v.id = ${id} and v.deleted_at is null returning ${videoColumns(tx)}`;
  if (row === undefined) return null;
  await appendAudit(tx, { topic: 'videos', entityId: id, event: 'updated', actor, detail: Object.keys(change).join(', ') });
  return row;
};

/** Puts a video in the trash; `trashPath` is null when its file was gone already. */
export const trashVideo = async (tx: Tx, id: string, trashPath: string | null, actor: string): Promise<boolean> => {
  const rows = await tx`
    update videos set deleted_at = now(), trash_path = ${trashPath}, updated_at = now(), rev = rev + 1
    where id = ${id} and deleted_at is null returning id`;
  if (rows.length === 0) return false;
  await appendAudit(tx, { topic: 'videos', entityId: id, event: 'deleted', actor });
  return true;
};

/** Takes a video out of the trash under `path`; null when it is not there, `path_taken` when another video has the path. */
export const restoreVideo = async (tx: Tx, id: string, path: string, actor: string): Promise<VideoRow | 'path_taken' | null> => {
  const filename = path.slice(path.lastIndexOf('/') + 1);
  const [taken] = await tx`select 1 from videos where path = ${path} and deleted_at is null`;
  if (taken !== undefined) return 'path_taken';
  const [row] = await tx<VideoRow[]>`
    update videos v set deleted_at = null, trash_path = null, path = ${path}, filename = ${filename}, updated_at = now(), rev = rev + 1
    where v.id = ${id} and v.deleted_at is not null returning ${videoColumns(tx)}`;
  if (row === undefined) return null;
  await appendAudit(tx, { topic: 'videos', entityId: id, event: 'restored', actor });
  return row;
};
