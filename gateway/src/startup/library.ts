import { randomUUID } from 'node:crypto';
import { mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureLibraryId, errorCode, LibraryRoot, ReelayError } from '@reelay/runtime';
import { type Sql, writeSetting } from '@reelay/store';
import { INBOX, UPLOAD_PART } from '../videos/receive.ts';

const FOLDERS = ['library', 'library/videos', INBOX, 'playback', 'compilations', 'thumbnails', 'public'];
/** A part this old belongs to no running upload: a client that sends nothing is cut off long before. */
const STALE_MS = 3_600_000;

/** The library folder cannot be used. */
class LibraryUnusable extends ReelayError {
  readonly code = 'library_unusable';
}

/** Makes the library's folders and its marker, whose id tells agents whether they mount the same files. */
export const prepareLibrary = async (sql: Sql, path: string): Promise<LibraryRoot> => {
  try {
    for (const folder of FOLDERS) await mkdir(join(path, folder), { recursive: true });
  } catch (error) {
    throw new LibraryUnusable(`the media library ${path} cannot be written (${errorCode(error) ?? 'unknown error'})`, { path }, error);
  }
  const library = await LibraryRoot.open(path);
  await writeSetting(sql, 'libraryId', await ensureLibraryId(library.path, randomUUID()));
  return library;
};

/** Removes what broken uploads left behind. Answers how many. */
export const sweepUploadParts = async (library: LibraryRoot, nowMs: number): Promise<number> => {
  const folder = join(library.path, INBOX);
  let removed = 0;
  for (const name of await readdir(folder)) {
    if (!UPLOAD_PART.test(name)) continue;
    const found = await stat(join(folder, name)).catch(() => null);
    if (found === null || nowMs - found.mtimeMs < STALE_MS) continue;
    await unlink(join(folder, name)).catch(() => undefined);
    removed += 1;
  }
  return removed;
};
