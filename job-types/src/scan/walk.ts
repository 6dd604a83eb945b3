import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VIDEO_EXTENSIONS } from '@reelay/contracts';
import { identify, type LibraryRoot, normaliseLibraryPath, toError } from '@reelay/runtime';

export interface FoundFile {
  /** Relative to the library's root. */
  path: string;
  sizeBytes: number;
  mtimeMs: number;
  inode: string;
}

export interface WalkOptions {
  recursive: boolean;
  onSkipped: (path: string, reason: string) => void;
  onFolder: (path: string) => void;
}

const EXTENSIONS: readonly string[] = VIDEO_EXTENSIONS;
const MAX_DEPTH = 64;
const MAX_PATH_BYTES = 1024;

const isVideoName = (name: string): boolean => EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension));

/**
 * The video files below a folder. Hidden names are skipped (parts are hidden), linked folders are not entered, and a
 * linked file counts only when it leads to a file inside the library.
 */
export async function* walkVideos(root: LibraryRoot, folder: string, options: WalkOptions, depth = 0): AsyncGenerator<FoundFile> {
  options.onFolder(folder);
  const folders: string[] = [];
  for await (const entry of await opendir(await root.resolveExisting(folder))) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) folders.push(path);
    else if (isVideoName(entry.name) && (entry.isFile() || entry.isSymbolicLink())) {
      const found = await describe(root, path, options.onSkipped);
      if (found) yield found;
    }
  }
  if (!options.recursive) return;
  if (depth >= MAX_DEPTH && folders.length > 0) options.onSkipped(folder, `it is nested more than ${MAX_DEPTH} folders deep`);
  else for (const inner of folders.toSorted()) yield* walkVideos(root, inner, options, depth + 1);
}

async function describe(root: LibraryRoot, path: string, onSkipped: WalkOptions['onSkipped']): Promise<FoundFile | null> {
  try {
    normaliseLibraryPath(path);
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error('its path is too long');
    const absolute = await root.resolveExisting(path);
    if (!(await stat(absolute)).isFile()) throw new Error('it is not a file');
    const { sizeBytes, mtimeMs, inode } = await identify(absolute);
    return { path, sizeBytes, mtimeMs, inode };
  } catch (thrown) {
    onSkipped(path, toError(thrown).message);
    return null;
  }
}
