import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, LibraryRoot } from '@reelay/runtime';
import { errorCode } from '@reelay/runtime';
import { HttpProblem } from '../http/problem.ts';

export const INBOX = 'inbox';
/** Hidden, so that no scan takes an upload in progress for a video. */
export const uploadPartName = (id: string): string => `.upload-${id}.part`;
export const UPLOAD_PART = /^\.upload-[0-9a-f-]{36}\.part$/;

export interface ReceiveOptions {
  id: string;
  maxBytes: number;
  /** A client that sends nothing for this long has gone. */
  stallMs: number;
  clock: Clock;
}

/**
 * Writes a body to a hidden part in the inbox, on the file system where the video will lie, and forces it to disk.
 * Answers the part's absolute path. Whatever goes wrong, no part stays.
 * @throws HttpProblem body_too_large, storage_full, invalid_request (empty, or cut off by the client)
 */
export const receivePart = async (library: LibraryRoot, body: ReadableStream<Uint8Array> | null, options: ReceiveOptions): Promise<string> => {
  if (body === null) throw emptyBody();
  const path = join(library.path, INBOX, uploadPartName(options.id));
  const handle = await open(path, 'wx', 0o644);
  try {
    const received = await writeAll(handle, body, options);
    if (received === 0) throw emptyBody();
    await handle.sync();
    await handle.close();
    return path;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    const code = errorCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new HttpProblem('storage_full', 'There is no space left for this file', { cause: error });
    throw error;
  }
};

const emptyBody = (): HttpProblem => new HttpProblem('invalid_request', 'The body is empty: send the file itself as the body');

/** Writes a whole body and answers its length. @throws HttpProblem body_too_large, invalid_request (stalled, cut off) */
export const writeAll = async (handle: FileHandle, body: ReadableStream<Uint8Array>, { maxBytes, stallMs, clock }: Omit<ReceiveOptions, 'id'>): Promise<number> => {
  const reader = body.getReader();
  let received = 0;
  try {
    for (;;) {
      const { done, value } = await readOrStall(reader, stallMs, clock);
      if (done) return received;
      received += value.length;
      if (received > maxBytes) throw new HttpProblem('body_too_large', `A file may have ${maxBytes} bytes`);
      await writeFully(handle, value);
    }
  } catch (error) {
    reader.cancel(error).catch(() => undefined);
    throw error;
  }
};

const readOrStall = async (
  reader: ReadableStreamDefaultReader<Uint8Array>, stallMs: number, clock: Clock,
): Promise<ReadableStreamReadResult<Uint8Array>> => {
  let callOff: (() => void) | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    callOff = clock.after(stallMs, () => reject(new HttpProblem('invalid_request', `Nothing arrived for ${Math.round(stallMs / 1000)} s; the upload was given up`)));
  });
  try {
    return await Promise.race([reader.read(), stalled]);
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem('invalid_request', 'The upload was cut off', { cause: error });
  } finally {
    callOff?.();
  }
};

/** A write may take less than it was given, for one when the disk is nearly full. */
const writeFully = async (handle: FileHandle, chunk: Uint8Array): Promise<void> => {
  for (let offset = 0; offset < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset);
    offset += bytesWritten;
  }
};

/** Forces a file's content to disk. */
export const syncFile = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
