import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, type LibraryRoot, normaliseLibraryPath, ReelayError } from '@reelay/runtime';
import { HttpProblem } from '../http/problem.ts';

const MAX_NAME_BYTES = 255;
/** A re-encode writes MP4: another ending would make players and browsers take the file for something else. */
const OUTPUT_ENDING = /\.(mp4|m4v)$/i;

const refused = (message: string): HttpProblem => new HttpProblem('invalid_parameter', message);

/** Hidden names are the library's own: trash, uploads in progress, parts, its marker. */
const refuseHidden = (path: string): void => {
  if (normaliseLibraryPath(path).split('/').some((name) => name.startsWith('.'))) throw refused('names that begin with a dot are kept for Reelay itself');
};

const isFolder = async (abs: string): Promise<boolean | null> => {
  try {
    return (await stat(abs)).isDirectory();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
};

const checkInput = async (library: LibraryRoot, path: string): Promise<void> => {
  refuseHidden(path);
  if (!(await stat(await library.resolveExisting(path))).isFile()) throw refused('it is a folder, not a file');
};

const checkOutput = async (library: LibraryRoot, path: string): Promise<void> => {
  refuseHidden(path);
  const names = normaliseLibraryPath(path).split('/');
  if (!OUTPUT_ENDING.test(path)) throw refused('must end in .mp4: that is what is written');
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) throw refused(`a name in it is longer than ${MAX_NAME_BYTES} bytes`);
  if (names[0] === 'thumbnails') throw refused('the folder thumbnails holds pictures only');
  const abs = await library.resolveForCreate(path);
  if (await isFolder(abs)) throw refused('it is a folder, not a file');
  for (let folder = dirname(abs); ; folder = dirname(folder)) {
    const found = await isFolder(folder);
    if (found === false) throw refused('a part of it is a file, not a folder');
    if (found === true) return;
  }
};

/** Only a folder, which need not exist yet: the scan says so then. */
const checkFolder = async (library: LibraryRoot, path: string): Promise<void> => {
  if (normaliseLibraryPath(path) !== '.') refuseHidden(path);
  // Of something in it, so that the folder itself is followed when it is a link.
  await library.resolveForCreate(`${path}/x`);
};

const CHECKS: Readonly<Record<string, (library: LibraryRoot, path: string) => Promise<void>>> = {
  inputPath: checkInput, outputPath: checkOutput, path: checkFolder,
};

/** Looks the paths among a job's parameters up in the real file system, symlinks followed. @throws HttpProblem */
export const checkPaths = async (library: LibraryRoot, params: Record<string, unknown>): Promise<void> => {
  for (const [name, check] of Object.entries(CHECKS)) {
    const path = params[name];
    if (typeof path !== 'string') continue;
    try {
      await check(library, path);
    } catch (error) {
      throw asProblem(`params.${name}`, error);
    }
  }
};

const asProblem = (name: string, error: unknown): HttpProblem => {
  const code = errorCode(error);
  // Only texts of our own: the system's name absolute paths.
  const message = error instanceof ReelayError ? error.message : code === 'ENAMETOOLONG' ? 'it is too long' : code === 'ENOTDIR' ? 'a part of it is a file, not a folder' : 'it cannot be used';
  if (code === 'file_not_found') return new HttpProblem('file_missing', `${name}: ${message}`, { cause: error });
  return new HttpProblem('invalid_parameter', `${name}: ${message}`, { errors: [{ path: name, message }], cause: error });
};
