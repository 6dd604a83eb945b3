import { readFile } from 'node:fs/promises';
import { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { errorCode } from '@reelay/runtime';
import { type Piece, type PieceFile, tagOf } from '../cache/piece.ts';
import { sendFromFile, sendFromMemory } from './direct-body.ts';
import type { RequestContext } from './env.ts';
import { HttpProblem } from './problem.ts';
import { isNotModified, parseRange, rangeStillValid } from './range.ts';
import { type Sender, senderOf } from './sender.ts';

export const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Length, Content-Range, ETag, Retry-After',
  'cross-origin-resource-policy': 'cross-origin',
};

/** Part of a stream, as it goes to a player. */
export type StreamPart =
  /** Text, gzipped for whoever takes it. Playlists may be made anew by a later release. */
  | { kind: 'text'; text: string; contentType: string }
  /** A piece under a version never changes. Null: nothing was made, for only the head was asked for. */
  | { kind: 'piece'; piece: Piece | PieceFile | null; contentType: string };

/** Who may have an answer besides the one who asked. */
export interface Audience {
  /** Shared caches may keep it. */
  readonly isPublic: boolean;
  /** Pages of other origins may read it. */
  readonly anyOrigin: boolean;
}

/** The edge of ours that asks whether each viewer may see a video: it may keep what others must not. */
const EDGE_HEADER = 'x-reelay-edge';
export const isCheckingEdge = ({ header }: Pick<Sender, 'header'>): boolean => header(EDGE_HEADER) === 'checks-access';

const PIECE_SECONDS = 31_536_000;
const TEXT_SECONDS = 300;

const toGzip = promisify(gzip);

/** All but the length and the tag. */
export const headersOf = ({ kind, contentType }: Pick<StreamPart, 'kind' | 'contentType'>, { isPublic, anyOrigin }: Audience, forEdge: boolean): Record<string, string> => {
  const scope = isPublic ? 'public' : 'private';
  return {
    'content-type': contentType, 'accept-ranges': 'bytes',
    'cache-control': kind === 'piece' ? `${scope}, max-age=${PIECE_SECONDS}, immutable` : `${scope}, max-age=${TEXT_SECONDS}, stale-while-revalidate=60`,
    ...(kind === 'text' ? { vary: 'Accept-Encoding' } : {}),
    ...(anyOrigin ? CORS : {}),
    // nginx's own word, which it does not hand on.
    ...(forEdge ? { 'x-accel-expires': String(kind === 'piece' ? PIECE_SECONDS : TEXT_SECONDS) } : {}),
  };
};

/**
 * Answers with a part of a stream: cache headers of its kind, strong ETag, 304, Range and If-Range, HEAD.
 * @throws HttpProblem range_not_satisfiable
 */
export const sendPart = async (c: RequestContext, part: StreamPart, audience: Audience): Promise<Response> => {
  const headers = new Headers(headersOf(part, audience, isCheckingEdge(senderOf(c))));
  const piece = part.kind === 'piece' ? part.piece : await packed(c, part.text, headers);
  return piece === null ? new Response(null, { headers }) : sendPiece(c, piece, headers);
};

/** Text shrinks to a tenth; segments do not shrink, and parts of a compressed answer would be useless. */
const packed = async (c: RequestContext, text: string, headers: Headers): Promise<Piece> => {
  const plain = new TextEncoder().encode(text);
  const wanted = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '') && c.req.header('range') === undefined;
  if (wanted) headers.set('content-encoding', 'gzip');
  const bytes = wanted ? await toGzip(plain) : plain;
  return { bytes, tag: tagOf(bytes) };
};

const sendPiece = async (c: RequestContext, piece: Piece | PieceFile, headers: Headers): Promise<Response> => {
  const etag = `"${piece.tag}"`;
  const sizeBytes = 'bytes' in piece ? piece.bytes.length : piece.sizeBytes;
  headers.set('etag', etag);
  const validators = { etag, lastModifiedMs: 0 };
  if (isNotModified({ ifNoneMatch: c.req.header('if-none-match') }, validators)) return new Response(null, { status: 304, headers });
  const range = rangeStillValid(c.req.header('if-range'), validators) ? parseRange(c.req.header('range'), sizeBytes) : { kind: 'whole' as const };
  if (range.kind === 'unsatisfiable') {
    throw new HttpProblem('range_not_satisfiable', `It has ${sizeBytes} bytes`, { headers: { 'content-range': `bytes */${sizeBytes}` } });
  }
  const [start, end, status] = range.kind === 'part' ? [range.start, range.end, 206] : [0, sizeBytes - 1, 200];
  headers.set('content-length', String(end - start + 1));
  if (range.kind === 'part') headers.set('content-range', `bytes ${start}-${end}/${sizeBytes}`);
  const body = c.req.method === 'HEAD' ? null : await bodyOf(c, piece, { start, end, status });
  return new Response(body, { status, headers });
};

/** Null when the listener writes it (see direct-body.ts). `end` is inclusive. */
const bodyOf = async (c: RequestContext, piece: Piece | PieceFile, { start, end, status }: { start: number; end: number; status: number }): Promise<Uint8Array<ArrayBuffer> | null> => {
  const outgoing = c.env?.outgoing;
  if ('bytes' in piece) {
    const direct = outgoing instanceof ServerResponse && sendFromMemory(outgoing, c.var.ctx, { piece: piece.bytes, start, end, status });
    return direct ? null : ofMemory(piece.bytes.subarray(start, end + 1));
  }
  try {
    if (!(outgoing instanceof ServerResponse)) return ofMemory((await readFile(piece.path)).subarray(start, end + 1));
    await sendFromFile(outgoing, c.var.ctx, { path: piece.path, start, end, status });
    return null;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    // Evicted a moment ago. Whoever asks again has it made.
    throw new HttpProblem('unavailable', 'The segment has just been dropped from the cache; ask again', { cause: error, headers: { 'retry-after': '1' } });
  }
};

/** As a body wants it; nothing is copied. Memory shared between threads does not occur here. */
const ofMemory = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const { buffer, byteOffset, length } = bytes;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(bytes);
};
