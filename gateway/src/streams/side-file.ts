import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { errorCode, type LibraryRoot } from '@reelay/runtime';
import { HttpProblem } from '../http/problem.ts';

/** Reads one part of a file that goes with a video. @throws HttpProblem segment_not_found when the file went meanwhile */
export const readPart = async (library: LibraryRoot, path: string, part: { from: number; bytes: number }): Promise<Uint8Array> => {
  try {
    const handle = await open(await library.resolveExisting(path), 'r');
    try {
      const bytes = new Uint8Array(part.bytes);
      const { bytesRead } = await handle.read(bytes, 0, part.bytes, part.from);
      if (bytesRead === part.bytes) return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCode(error) !== 'file_not_found' && errorCode(error) !== 'ENOENT') throw error;
  }
  throw new HttpProblem('segment_not_found', 'The file was replaced or removed: ask for its list again');
};

/** Tells the files of one video apart: each has a name of its own. */
export const tagOfPath = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 8);
