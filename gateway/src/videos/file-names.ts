/** Giving a file of the library another name, and taking one away: what moves are made of. */
import type { BigIntStats } from 'node:fs';
import { link, lstat, mkdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '@reelay/runtime';

/** What a file system without hard links answers to link(2). */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

export const isThere = async (path: string): Promise<boolean> => {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
};

/** Whether anything has the name, a folder or a link as well. */
export const isTaken = async (path: string): Promise<boolean> => (await lstat(path).catch(() => null)) !== null;

const identityOf = (path: string): Promise<BigIntStats | null> => stat(path, { bigint: true }).catch(() => null);

/** Whether both names are of one file; false when one of them is not there. */
const sameFile = async (a: string, b: string): Promise<boolean> => {
  const [first, second] = await Promise.all([identityOf(a), identityOf(b)]);
  return first !== null && second !== null && first.ino === second.ino && first.dev === second.dev;
};

/**
 * Gives a file a second name, or another one where the file system knows no second names; never over another file.
 * @throws the system's error: EEXIST, ENOENT
 */
export const addName = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (!NO_LINKS.has(code)) throw error;
    if (await isTaken(to)) throw Object.assign(new Error('the name is taken', { cause: error }), { code: 'EEXIST' });
    await rename(from, to);
  }
};

/**
 * Leaves a file one of its two names: `keep`. What lies under `drop` goes only if it is that very file; where just `drop`
 * is there, it is given its name back. Made again it does nothing.
 */
export const keepOneName = async (keep: string, drop: string): Promise<void> => {
  if (await sameFile(keep, drop)) await unlink(drop).catch(unlessGone);
  else if (!(await isThere(keep)) && (await isThere(drop))) {
    await addName(drop, keep);
    await unlink(drop).catch(unlessGone);
  }
};

const unlessGone = (error: unknown): void => {
  if (errorCode(error) !== 'ENOENT') throw error;
};

/** Removes a folder that has become empty. */
export const dropEmptyFolder = async (path: string): Promise<void> => {
  await rmdir(path).catch(() => undefined);
};
