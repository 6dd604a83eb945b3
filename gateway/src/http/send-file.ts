import { type FileHandle, open } from 'node:fs/promises';
import { errorCode } from '@reelay/runtime';
import type { RequestContext } from './env.ts';
import { HttpProblem } from './problem.ts';
import { isNotModified, parseRange, rangeStillValid } from './range.ts';

export interface SendFileOptions {
  /** Absolute path, already checked to lie where it may. */
  path: string;
  contentType: string;
  cacheControl: string;
  headers?: Record<string, string> | undefined;
  /** Called when the file is closed again after it was sent, or as far as the client wanted it. */
  onClose?: (() => void) | undefined;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * A file with Range, If-Range, ETag, 304, 416 and HEAD. The descriptor is opened once and closed when the body ends,
 * fails or is cancelled, which the end of the request's context brings about. @throws HttpProblem file_missing, range_not_satisfiable
 */
export const sendFile = async (c: RequestContext, options: SendFileOptions): Promise<Response> => {
  const handle = await openFile(options.path);
  const close = async (): Promise<void> => {
    await handle.close();
    options.onClose?.();
  };
  try {
    c.var.ctx.throwIfCancelled();
    const found = await handle.stat();
    if (!found.isFile()) throw new HttpProblem('file_missing', 'There is no such file');
    const validators = { etag: `"${found.size.toString(36)}-${Math.floor(found.mtimeMs).toString(36)}-${found.ino.toString(36)}"`, lastModifiedMs: found.mtimeMs };
    const headers = new Headers({
      'content-type': options.contentType, 'cache-control': options.cacheControl, 'accept-ranges': 'bytes',
      etag: validators.etag, 'last-modified': new Date(found.mtimeMs).toUTCString(), ...options.headers,
    });
    if (isNotModified({ ifNoneMatch: c.req.header('if-none-match'), ifModifiedSince: c.req.header('if-modified-since') }, validators)) {
      return await closing(close, new Response(null, { status: 304, headers }));
    }
    const range = rangeStillValid(c.req.header('if-range'), validators) ? parseRange(c.req.header('range'), found.size) : { kind: 'whole' as const };
    if (range.kind === 'unsatisfiable') {
      throw new HttpProblem('range_not_satisfiable', `The file has ${found.size} bytes`, { headers: { 'content-range': `bytes */${found.size}` } });
    }
    const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, found.size - 1];
    headers.set('content-length', String(end - start + 1));
    if (range.kind === 'part') headers.set('content-range', `bytes ${start}-${end}/${found.size}`);
    const status = range.kind === 'part' ? 206 : 200;
    if (c.req.method === 'HEAD' || end < start) return await closing(close, new Response(null, { status, headers }));
    return new Response(fileBody(handle, start, end, close), { status, headers });
  } catch (error) {
    await handle.close();
    throw error;
  }
};

const openFile = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, 'r');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') throw new HttpProblem('file_missing', 'The file is not there', { cause: error });
    throw error;
  }
};

const closing = async (close: () => Promise<void>, response: Response): Promise<Response> => {
  await close();
  return response;
};

/** Reads only as fast as it is asked to; `end` is inclusive. */
const fileBody = (handle: FileHandle, start: number, end: number, close: () => Promise<void>): ReadableStream<Uint8Array> => {
  let position = start;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - position + 1));
          const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
          // Cut off while it is sent: the announced length cannot be kept, so the connection must break.
          if (bytesRead === 0) throw new Error('the file became shorter while it was sent');
          position += bytesRead;
          controller.enqueue(bytesRead === chunk.length ? chunk : chunk.subarray(0, bytesRead));
          if (position <= end) return;
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        await close();
      },
      async cancel() {
        await close();
      },
    },
    { highWaterMark: 0 },
  );
};
