import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileStore } from '@tus/file-store';
import { ERRORS, type Upload } from '@tus/server';
import { errorCode, type LibraryRoot } from '@reelay/runtime';
import type { Checksum } from '../uploads/checksum.ts';
import { INBOX } from './receive.ts';

/** Resumable uploads in progress: hidden, in the inbox, so that the finished file needs no copying. */
export const TUS_FOLDER = `${INBOX}/.uploads`;

export interface WriteRules {
  /** A check to make before every write, which throws when the upload is somebody else's by now. */
  guard: (uploadId: string) => () => void;
  checksum: () => Checksum | null;
}

/**
 * Resumable uploads as files that every gateway sees. Per upload:
 *
 *   <id>        the bytes; how many there are is the offset, so it is right after a kill at any byte
 *   <id>.json   what the client said of it
 *   <id>.from   only while bytes arrive that must still match a checksum: where they begin, and so the offset
 *
 * An upload whose bytes are all there but that is no video yet lacks its last byte, as clients are told: every client
 * then sends it again, which is what makes the video.
 */
export class UploadStore extends FileStore {
  readonly #rules: WriteRules | null;

  constructor(library: LibraryRoot, keepMs: number, rules: WriteRules | null = null) {
    const directory = join(library.path, TUS_FOLDER);
    super({ directory, expirationPeriodInMilliseconds: keepMs, configstore: new UploadRecords(directory) });
    this.extensions = [...this.extensions, 'checksum'];
    this.#rules = rules;
  }

  override async write(readable: Readable, id: string, offset: number): Promise<number> {
    const path = this.pathOf(id);
    const guard = this.#rules?.guard(id);
    const checksum = this.#rules?.checksum() ?? null;
    const hash = checksum === null ? null : createHash(checksum.algorithm);
    if (hash !== null) await writeFile(this.#fromPath(id), String(offset));
    const file = createWriteStream(path, { flags: 'r+', start: offset });
    const checked = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        try {
          guard?.();
          hash?.update(chunk);
          done(null, chunk);
        } catch (error) {
          done(error instanceof Error ? error : new Error('not written', { cause: error }));
        }
      },
    });
    try {
      await pipeline(readable, checked, file);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOSPC' || code === 'EDQUOT') throw Object.assign(new Error('no space left'), { status_code: 507, body: 'There is no space left for this file\n' });
      if (code === 'lease_lost') throw Object.assign(new Error('upload in use', { cause: error }), { status_code: 423, body: 'Another request writes to this upload\n' });
      throw error;
    }
    if (hash !== null && checksum !== null) await this.#settle(id, offset, hash.digest().equals(checksum.digest));
    return offset + file.bytesWritten;
  }

  async #settle(id: string, offset: number, matches: boolean): Promise<void> {
    if (!matches) await truncate(this.pathOf(id), offset);
    await rm(this.#fromPath(id), { force: true });
    if (!matches) throw Object.assign(new Error('checksum mismatch'), { status_code: 460, body: 'The bytes do not match Upload-Checksum; none of them was kept\n' });
  }

  override async getUpload(id: string): Promise<Upload> {
    const upload = await super.getUpload(id);
    const from = await readFile(this.#fromPath(id), 'utf8').then(Number, () => null);
    const arrived = Math.min(upload.offset, from ?? upload.offset);
    const offset = upload.size !== undefined && arrived >= upload.size ? Math.max(0, upload.size - 1) : arrived;
    // It expires when nothing has arrived for so long, not when it began so long ago.
    const { mtime } = await stat(this.pathOf(id));
    upload.offset = offset;
    upload.creation_date = mtime.toISOString();
    return upload;
  }

  override async remove(id: string): Promise<void> {
    if ((await stat(this.pathOf(id)).catch(() => null)) === null) throw ERRORS.FILE_NOT_FOUND;
    await this.discard(id);
  }

  /** Removes what is left of an upload, its description included. */
  async discard(id: string): Promise<void> {
    for (const path of [this.pathOf(id), this.#fromPath(id), `${this.pathOf(id)}.json`]) await rm(path, { force: true });
  }

  /** Removes uploads to which nothing was added for the time they are kept. Answers how many. */
  override async deleteExpired(): Promise<number> {
    const found = await readdir(this.directory).catch(() => []);
    const ids = new Set(found.map((name) => name.split('.')[0] ?? ''));
    let removed = 0;
    for (const id of ids) {
      const names = found.filter((name) => name.split('.')[0] === id);
      const changed = await Promise.all(names.map(async (name) => (await stat(join(this.directory, name)).catch(() => null))?.mtimeMs ?? 0));
      if (Date.now() - Math.max(...changed) < this.getExpiration()) continue;
      for (const name of names) await rm(join(this.directory, name), { force: true });
      removed += 1;
    }
    return removed;
  }

  pathOf(id: string): string {
    return join(this.directory, id);
  }

  #fromPath(id: string): string {
    return `${this.pathOf(id)}.from`;
  }
}

/** What the clients said of their uploads. A file appears whole or not at all; one that cannot be read counts as none. */
class UploadRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(id: string): Promise<Upload | undefined> {
    try {
      return JSON.parse(await readFile(this.#path(id), 'utf8')) as Upload;
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async set(id: string, upload: Upload): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const temporary = `${this.#path(id)}.new`;
    await writeFile(temporary, JSON.stringify(upload), { flush: true });
    await rename(temporary, this.#path(id));
  }

  async delete(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
