import { errorCode } from '../errors.ts';

const IN_WORDS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is a file',
  EISDIR: 'it is a folder',
  EEXIST: 'a file is in its place',
  ELOOP: 'its links go round in circles',
  ENAMETOOLONG: 'the path is too long',
  EMFILE: 'too many files are open',
  ESTALE: 'the network file system lost it',
  EIO: 'the disk reports an error',
};

/** Why a file operation failed, for people: `the disk is full (ENOSPC)`. */
export function fileTrouble(error: unknown): string {
  const code = errorCode(error);
  if (code === undefined) return 'for an unknown reason';
  return code in IN_WORDS ? `${IN_WORDS[code]} (${code})` : code;
}
