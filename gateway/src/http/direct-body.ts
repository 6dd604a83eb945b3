import { close, open, read } from 'node:fs';
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import type { Ctx } from '@reelay/runtime';
import type { App } from './env.ts';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';

/** A piece in memory that is smaller than this is not worth a way of its own. */
const DIRECT_BYTES = 256 * 1024;
/** What is read from the disk and written at a time. Halves cost a sixth more processor time (measured). */
const LARGE_BYTES = 512 * 1024;
/** The same for all who come when so many buffers are in use: slow readers by the hundred keep one each. */
const SMALL_BYTES = 128 * 1024;
const MANY = 32;
/** So many buffers in use, and each connection has to do with one. */
const PLENTY = 128;

const openFile = promisify(open);
/** Into memory that is used again: fresh megabytes for each segment cost more than the reading (measured: a third of all time went to the collector). */
const spare: Readonly<Record<'large' | 'small', Buffer[]>> = { large: [], small: [] };
let inUse = 0;
const take = (): Buffer => {
  inUse += 1;
  return inUse > MANY ? (spare.small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES)) : (spare.large.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES));
};
const give = (buffer: Buffer): void => {
  inUse -= 1;
  const pool = buffer.length === LARGE_BYTES ? spare.large : spare.small;
  if (pool.length < MANY) pool.push(buffer);
};
const readInto = (fd: number, buffer: Buffer, length: number, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, buffer, 0, length, position, (error, bytesRead) => (error === null ? resolve(bytesRead) : reject(error)));
  });

interface DirectBody {
  readonly status: number;
  writeTo: (outgoing: ServerResponse) => Promise<void>;
}

/** Bodies by the answer they belong to, from the handler that knows them to the listener that writes them. */
const bodies = new WeakMap<ServerResponse, DirectBody>();

/**
 * Opens a file whose bytes `start` to `end` (inclusive) will be the body of this answer, written to the connection as fast
 * as it takes them, at most two chunks at a time. The descriptor is closed with the request's context, or when all is
 * written. @throws what opening throws
 */
export const sendFromFile = async (outgoing: ServerResponse, ctx: Ctx, file: { path: string; start: number; end: number; status: number }): Promise<void> => {
  const fd = await openFile(file.path, 'r');
  let writing = false;
  const forget = ctx.onCancel(() => {
    // A read may be underway in another thread: then whoever reads closes, or the number would already be another file's.
    if (!writing) close(fd, () => {});
  });
  bodies.set(outgoing, {
    status: file.status,
    writeTo: async (target) => {
      if (ctx.cancelled) return;
      writing = true;
      forget();
      try {
        await copy(fd, target, file.start, file.end);
      } finally {
        close(fd, () => {});
      }
    },
  });
};

/** Pieces that are being written, with how many answers each. */
const held = new Map<Uint8Array, number>();
let heldBytes = 0;

/** Bytes of all pieces in memory that clients are still to take, each counted once. */
export const bytesHeldForClients = (): number => heldBytes;

const hold = (piece: Uint8Array): void => {
  const holders = held.get(piece) ?? 0;
  held.set(piece, holders + 1);
  if (holders === 0) heldBytes += piece.length;
};
const letGo = (piece: Uint8Array): void => {
  const holders = held.get(piece) ?? 0;
  if (holders > 1) held.set(piece, holders - 1);
  else if (held.delete(piece)) heldBytes -= piece.length;
};

/** As sendFromFile, for a piece in memory; false when it is so small that an ordinary body is as good. */
export const sendFromMemory = (outgoing: ServerResponse, ctx: Ctx, { piece, start, end, status }: { piece: Uint8Array; start: number; end: number; status: number }): boolean => {
  if (end - start < DIRECT_BYTES) return false;
  hold(piece);
  ctx.onCancel(() => letGo(piece));
  bodies.set(outgoing, {
    status,
    // All at once: on a quiet machine 3.6 GB/s of 1.5 MB pieces over loopback, in parts of 256 KB 2.8 (measured).
    writeTo: async (target) => {
      target.end(piece.subarray(start, end + 1));
    },
  });
  return true;
};

const copy = async (fd: number, target: ServerResponse, start: number, end: number): Promise<void> => {
  // A connection that is gone swallows what is written, and does not always call back.
  const closed = new Promise<void>((resolve) => {
    target.once('close', resolve);
  });
  let before: Promise<void> = Promise.resolve();
  for (let position = start; position <= end; ) {
    if (inUse >= PLENTY) await before;
    const buffer = take();
    const bytesRead = await readInto(fd, buffer, Math.min(buffer.length, end - position + 1), position).catch(() => 0);
    // Cut off while it is sent: the announced length cannot be kept, so the connection must break.
    if (bytesRead === 0) target.destroy();
    if (target.destroyed) {
      give(buffer);
      break;
    }
    position += bytesRead;
    const written = new Promise<void>((resolve) => {
      target.write(buffer.subarray(0, bytesRead), () => resolve());
    });
    await Promise.race([before, closed]);
    before = Promise.race([written, closed]).finally(() => give(buffer));
  }
  await before;
  target.end();
};

type Fetch = App['fetch'];

/** The application's answers; those with a body of the kind above are written here, past the streams of the web. */
export const withDirectBodies = (fetch: Fetch): Fetch => async (request, env, execution) => {
  const response = await fetch(request, env, execution);
  const outgoing = env instanceof Object && 'outgoing' in env ? env.outgoing : undefined;
  if (!(outgoing instanceof ServerResponse) || bodies.get(outgoing)?.status !== response.status) return response;
  await writeDirect(outgoing, response.status, Object.fromEntries(response.headers));
  return RESPONSE_ALREADY_SENT;
};

/** Head and body of an answer that has one of the kind above; false when it has none. Resolves when nothing is left to be done here. */
export const writeDirect = async (outgoing: ServerResponse, status: number, headers: OutgoingHttpHeaders | OutgoingHttpHeader[]): Promise<boolean> => {
  const body = bodies.get(outgoing);
  if (body === undefined) return false;
  bodies.delete(outgoing);
  outgoing.writeHead(status, headers);
  await body.writeTo(outgoing);
  return true;
};
