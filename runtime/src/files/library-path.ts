import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, posix, sep } from 'node:path';
import { errorCode, ReelayError } from '../errors.ts';

/** The path is not one inside the library. */
export class PathOutsideLibrary extends ReelayError {
  readonly code = 'path_outside_library';
  constructor(path: string, reason: string) {
    super(`the path is not inside the library: ${reason}`, { path, reason });
  }
}

/** There is no such file in the library. */
export class LibraryFileMissing extends ReelayError {
  readonly code = 'file_not_found';
  constructor(path: string, cause?: unknown) {
    super(`no such file in the library: ${path}`, { path }, cause);
  }
}

/** What makes a file this very file; an agent compares it with what the hub saw. Inode and device are decimal text (64 bits). */
export interface FileIdentity {
  sizeBytes: number;
  /** Whole milliseconds of Unix time. */
  mtimeMs: number;
  inode: string;
  device: string;
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The normal form of a path relative to the library: forward slashes, no empty or dot parts.
 * @throws PathOutsideLibrary for absolute paths, `..`, NUL and control characters
 */
export function normaliseLibraryPath(path: string): string {
  if (CONTROL.test(path)) throw new PathOutsideLibrary(path.replace(new RegExp(CONTROL, 'g'), '?'), 'it holds control characters');
  if (isAbsolute(path)) throw new PathOutsideLibrary(path, 'it is absolute');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new PathOutsideLibrary(path, 'it climbs with ".."');
  return posix.join(...parts);
}

/** Which file lies at an absolute path right now. @throws LibraryFileMissing */
export async function identify(abs: string): Promise<FileIdentity> {
  try {
    const found = await stat(abs, { bigint: true });
    return { sizeBytes: Number(found.size), mtimeMs: Number(found.mtimeMs), inode: String(found.ino), device: String(found.dev) };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') throw new LibraryFileMissing(abs, error);
    throw error;
  }
}

async function realpathIfThere(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The library's root folder: every file access starts from a path relative to it. */
export class LibraryRoot {
  /** Absolute, with symlinks resolved. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws LibraryFileMissing when the folder does not exist */
  static async open(path: string): Promise<LibraryRoot> {
    try {
      const real = await realpath(path);
      if (!(await stat(real)).isDirectory()) throw new LibraryFileMissing(path);
      return new LibraryRoot(real);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw new LibraryFileMissing(path, error);
      throw error;
    }
  }

  /** The absolute path, by its text alone; nothing needs to exist. @throws PathOutsideLibrary */
  resolve(relative: string): string {
    return join(this.path, normaliseLibraryPath(relative));
  }

  /** The absolute path of an existing file with its symlinks followed. @throws PathOutsideLibrary, LibraryFileMissing */
  async resolveExisting(relative: string): Promise<string> {
    try {
      return this.#inside(await realpath(this.resolve(relative)), relative);
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') throw new LibraryFileMissing(relative, error);
      throw error;
    }
  }

  /**
   * The absolute path of a file that is to be made: the deepest folder that exists must lie inside the library.
   * @throws PathOutsideLibrary
   */
  async resolveForCreate(relative: string): Promise<string> {
    const abs = this.resolve(relative);
    if (abs === this.path) return abs;
    const tail = [basename(abs)];
    for (let folder = dirname(abs); ; folder = dirname(folder)) {
      const real = await realpathIfThere(folder);
      if (real !== null) return join(this.#inside(real, relative), ...tail);
      tail.unshift(basename(folder));
    }
  }

  /** The library's name for an absolute path. @throws PathOutsideLibrary */
  relativeOf(abs: string): string {
    if (abs === this.path) return '';
    if (!abs.startsWith(this.#prefix)) throw new PathOutsideLibrary(abs, 'it lies elsewhere');
    return normaliseLibraryPath(abs.slice(this.#prefix.length));
  }

  get #prefix(): string {
    return this.path.endsWith(sep) ? this.path : this.path + sep;
  }

  #inside(real: string, asked: string): string {
    if (real !== this.path && !real.startsWith(this.#prefix)) throw new PathOutsideLibrary(asked, 'a symbolic link leads outside');
    return real;
  }
}
