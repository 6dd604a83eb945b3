import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileStore } from '@tus/file-store';
import type { LibraryRoot } from '@reelay/runtime';
import { errorCode } from '@reelay/runtime';
import { INBOX } from './receive.ts';

/** Resumable uploads in progress: hidden, in the inbox, so that the finished file needs no copying. */
export const TUS_FOLDER = `${INBOX}/.uploads`;

/** Parts of resumable uploads as files; tells a full disk apart from other failures. */
export class UploadStore extends FileStore {
  constructor(library: LibraryRoot, keepMs: number) {
    super({ directory: join(library.path, TUS_FOLDER), expirationPeriodInMilliseconds: keepMs });
  }

  override async write(readable: Readable, id: string, offset: number): Promise<number> {
    const file = createWriteStream(this.pathOf(id), { flags: 'r+', start: offset });
    try {
      await pipeline(readable, file);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOSPC' || code === 'EDQUOT') throw Object.assign(new Error('no space left'), { status_code: 507, body: 'There is no space left for this file\n' });
      throw error;
    }
    return offset + file.bytesWritten;
  }

  /** Removes what is left of an upload, its description included. */
  async discard(id: string): Promise<void> {
    await rm(this.pathOf(id), { force: true });
    await rm(`${this.pathOf(id)}.json`, { force: true });
  }

  pathOf(id: string): string {
    return join(this.directory, id);
  }
}
