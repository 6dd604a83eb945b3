import { link, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, ReelayError } from '../errors.ts';

/** Name of the file in the library's root whose content says which library this is. */
export const LIBRARY_ID_FILE = '.reelay-library';

/** The marker file exists, but does not hold an id. */
export class LibraryIdInvalid extends ReelayError {
  readonly code = 'library_id_invalid';
  constructor(path: string) {
    super(`${path} does not hold a library id`, { path });
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id of the library mounted at `root`, or null when it has none. An agent compares it with the hub's. */
export async function readLibraryId(root: string): Promise<string | null> {
  const path = join(root, LIBRARY_ID_FILE);
  try {
    const id = (await readFile(path, 'utf8')).trim();
    if (!UUID.test(id)) throw new LibraryIdInvalid(path);
    return id;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Gives the library the id `id` unless it already has one; answers the id it has. Safe with several callers. */
export async function ensureLibraryId(root: string, id: string): Promise<string> {
  const existing = await readLibraryId(root);
  if (existing !== null) return existing;
  const part = join(root, `${LIBRARY_ID_FILE}.${id}.part`);
  const file = await open(part, 'w', 0o644);
  try {
    await file.writeFile(`${id}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(part, join(root, LIBRARY_ID_FILE));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    await unlink(part);
  }
  return (await readLibraryId(root)) ?? id;
}
