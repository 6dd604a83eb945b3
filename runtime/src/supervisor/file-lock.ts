import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, statSync, unlinkSync } from 'node:fs';
import { errorCode, ReelayError } from '../errors.ts';

/** The file system refuses to lock files. */
export class FileLockFailed extends ReelayError {
  readonly code = 'file_lock_failed';
  constructor(path: string, exitCode: number | null, cause?: unknown) {
    super(`${path} cannot be locked (flock ended with ${exitCode ?? 'a signal'})`, { path, exitCode }, cause);
  }
}

/** An flock(2) that belongs to a descriptor of this process: the kernel frees it when the last copy is closed, however we end. */
export interface FileLock {
  /** A helper that inherits it keeps the lock beyond our end. */
  readonly fd: number;
  /** False when a helper that inherited it has removed the file: by now it may be a successor's. */
  isStillThere(): boolean;
  /** Removes the file, when it is still ours, and frees the lock. */
  release(): void;
}

const LOCKED = 1;

/** Locks our descriptor: flock(1) locks what it inherits as number 3, which is the same open file. */
function lockDescriptor(flock: string, fd: number, path: string): Promise<boolean> {
  const child = spawn(flock, ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new FileLockFailed(path, null, error)));
    child.once('exit', (code) => {
      if (code === 0) resolve(true);
      else if (code === LOCKED) resolve(false);
      else reject(new FileLockFailed(path, code));
    });
  });
}

/** A lock on a file whose name was taken away by the one before us locks nothing. */
function isStillThere(fd: number, path: string): boolean {
  const own = fstatSync(fd, { bigint: true });
  try {
    const named = statSync(path, { bigint: true });
    return named.ino === own.ino && named.dev === own.dev;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Locks `path`, made when missing; null when somebody holds it. Its holder alone removes the file, and a winner looks
 * whether the name still is what it has locked: so removing it opens no gap.
 * @throws FileLockFailed, or the error of opening it
 */
export async function lockFile(path: string, flock: string): Promise<FileLock | null> {
  for (;;) {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    let locked = false;
    try {
      if (!(await lockDescriptor(flock, fd, path))) return null;
      locked = isStillThere(fd, path);
    } finally {
      if (!locked) closeSync(fd);
    }
    if (locked) return { fd, isStillThere: () => isStillThere(fd, path), release: () => release(fd, path) };
  }
}

function release(fd: number, path: string): void {
  try {
    if (isStillThere(fd, path)) unlinkSync(path);
  } finally {
    closeSync(fd);
  }
}
