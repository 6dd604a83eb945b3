import { randomUUID } from 'node:crypto';
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureLibraryId, ensureWritableFolder, EXIT_CODES, LIBRARY_ID_FILE, LibraryRoot, readLibraryId, ReelayError } from '@reelay/runtime';
import { countVideos, readSetting, type Sql, writeSetting } from '@reelay/store';
import { INBOX, UPLOAD_PART } from '../videos/receive.ts';

const FOLDERS = ['library', 'library/videos', INBOX, 'playback', 'compilations', 'thumbnails', 'public'];
/** A part this old belongs to no running upload: a client that sends nothing is cut off long before. */
const STALE_MS = 3_600_000;

/** The library folder is not what this installation knows. */
class LibraryUnusable extends ReelayError {
  readonly code = 'library_unusable';
  override readonly serviceExit = EXIT_CODES.configuration;
}

/**
 * Makes the library's folders and its marker, whose id tells agents whether they mount the same files. A library that
 * was there before is not begun anew: more likely its disk is not mounted.
 * @throws LibraryUnusable, FolderUnusable
 */
export const prepareLibrary = async (sql: Sql, path: string): Promise<LibraryRoot> => {
  await checkFamiliar(sql, path);
  for (const folder of ['', ...FOLDERS]) await ensureWritableFolder(join(path, folder), 'MEDIA_LIBRARY_PATH');
  const library = await LibraryRoot.open(path);
  await writeSetting(sql, 'libraryId', await ensureLibraryId(library.path, randomUUID()));
  return library;
};

const checkFamiliar = async (sql: Sql, path: string): Promise<void> => {
  const known = await readSetting(sql, 'libraryId');
  const videos = typeof known === 'string' ? await countVideos(sql) : 0;
  if (videos === 0) return;
  const found = await readLibraryId(path).catch(() => null);
  if (found === known) return;
  const what = found === null ? `the media library ${path} is empty or not there` : `${path} is another media library`;
  const anyway = `To use this folder all the same: mkdir -p '${path}' && echo ${String(known)} > '${join(path, LIBRARY_ID_FILE)}'`;
  throw new LibraryUnusable(`${what}, although this installation has ${videos} videos: mount its disk, or set MEDIA_LIBRARY_PATH to where it is. ${anyway}`, { path, known, found });
};

/**
 * Removes what broken uploads left behind. A part has a second name from its publishing until its record is stored:
 * where `unrecorded` finds none for it, that name goes with the part. Answers how many parts.
 */
export const sweepUploadParts = async (library: LibraryRoot, nowMs: number, unrecorded?: (paths: string[]) => Promise<string[]>): Promise<number> => {
  const folder = join(library.path, INBOX);
  let removed = 0;
  for (const name of await readdir(folder)) {
    if (!UPLOAD_PART.test(name)) continue;
    const found = await stat(join(folder, name)).catch(() => null);
    if (found === null || nowMs - found.mtimeMs < STALE_MS) continue;
    if (found.nlink > 1 && unrecorded !== undefined) {
      for (const path of await unrecorded(await otherNames(library, name, found.ino))) await unlink(join(library.path, path)).catch(() => undefined);
    }
    await unlink(join(folder, name)).catch(() => undefined);
    removed += 1;
  }
  return removed;
};

/** Visible names in the inbox of the file that a part is, as library paths. */
const otherNames = async (library: LibraryRoot, part: string, inode: number): Promise<string[]> => {
  const names = (await readdir(join(library.path, INBOX))).filter((name) => name !== part && !name.startsWith('.'));
  const found = await Promise.all(names.map((name) => stat(join(library.path, INBOX, name)).catch(() => null)));
  return names.filter((_name, n) => found[n]?.ino === inode).map((name) => `${INBOX}/${name}`);
};
