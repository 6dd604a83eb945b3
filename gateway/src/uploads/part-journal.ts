import { mkdir, readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, type LibraryRoot } from '@reelay/runtime';
import { INBOX, UPLOAD_PART, uploadPartName } from '../videos/receive.ts';

/**
 * Which parts this gateway is writing: an empty file for each, in its run folder, which no other gateway has. So the
 * start after a SIGKILL knows what was its own, and spares what other gateways write into the same library.
 */
export class PartJournal {
  readonly #dir: string;
  readonly #underWay = new Set<Promise<unknown>>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Removes the parts that an earlier start left. `dir` must belong to this process alone. */
  static async open(dir: string, library: LibraryRoot): Promise<PartJournal> {
    await mkdir(dir, { recursive: true });
    for (const name of await readdir(dir)) {
      if (UPLOAD_PART.test(name)) await removeFile(join(library.path, INBOX, name));
      await removeFile(join(dir, name));
    }
    return new PartJournal(dir);
  }

  /** Receives and admits the part of upload `id`; when this is over it is there no more, one way or the other. */
  async during<T>(id: string, work: () => Promise<T>): Promise<T> {
    const noted = this.#noted(join(this.#dir, uploadPartName(id)), work);
    this.#underWay.add(noted);
    try {
      return await noted;
    } finally {
      this.#underWay.delete(noted);
    }
  }

  /** Resolves when those that were cut have tidied up. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #noted<T>(entry: string, work: () => Promise<T>): Promise<T> {
    await writeFile(entry, '');
    try {
      return await work();
    } finally {
      await removeFile(entry);
    }
  }
}

const removeFile = async (path: string): Promise<void> => {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
};
