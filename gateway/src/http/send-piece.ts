import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Piece, tagOf } from '../cache/piece.ts';
import type { RequestContext } from './env.ts';
import { HttpProblem } from './problem.ts';
import { isNotModified, parseRange, rangeStillValid } from './range.ts';

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
  | { kind: 'piece'; piece: Piece | null; contentType: string };

/** Who may have an answer besides the one who asked. */
export interface Audience {
  /** Shared caches may keep it. */
  readonly isPublic: boolean;
  /** Pages of other origins may read it. */
  readonly anyOrigin: boolean;
}

/** The edge of ours that asks whether each viewer may see a video: it may keep what others must not. */
const EDGE_HEADER = 'x-reelay-edge';
export const isCheckingEdge = (c: RequestContext): boolean => c.req.header(EDGE_HEADER) === 'checks-access';

const PIECE_SECONDS = 31_536_000;
const TEXT_SECONDS = 300;

const toGzip = promisify(gzip);

/**
 * Answers with a part of a stream: cache headers of its kind, strong ETag, 304, Range and If-Range, HEAD.
 * @throws HttpProblem range_not_satisfiable
 */
export const sendPart = async (c: RequestContext, part: StreamPart, { isPublic, anyOrigin }: Audience): Promise<Response> => {
  const scope = isPublic ? 'public' : 'private';
  const headers = new Headers({
    'content-type': part.contentType, 'accept-ranges': 'bytes',
    'cache-control': part.kind === 'piece' ? `${scope}, max-age=${PIECE_SECONDS}, immutable` : `${scope}, max-age=${TEXT_SECONDS}, stale-while-revalidate=60`,
    ...(part.kind === 'text' ? { vary: 'Accept-Encoding' } : {}),
    ...(anyOrigin ? CORS : {}),
    // nginx's own word, which it does not hand on.
    ...(isCheckingEdge(c) ? { 'x-accel-expires': String(part.kind === 'piece' ? PIECE_SECONDS : TEXT_SECONDS) } : {}),
  });
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

const sendPiece = (c: RequestContext, { bytes, tag }: Piece, headers: Headers): Response => {
  const etag = `"${tag}"`;
  headers.set('etag', etag);
  const validators = { etag, lastModifiedMs: 0 };
  if (isNotModified({ ifNoneMatch: c.req.header('if-none-match') }, validators)) return new Response(null, { status: 304, headers });
  const range = rangeStillValid(c.req.header('if-range'), validators) ? parseRange(c.req.header('range'), bytes.length) : { kind: 'whole' as const };
  if (range.kind === 'unsatisfiable') {
    throw new HttpProblem('range_not_satisfiable', `It has ${bytes.length} bytes`, { headers: { 'content-range': `bytes */${bytes.length}` } });
  }
  const part = range.kind === 'part' ? bytes.subarray(range.start, range.end + 1) : bytes;
  headers.set('content-length', String(part.length));
  if (range.kind === 'part') headers.set('content-range', `bytes ${range.start}-${range.end}/${bytes.length}`);
  return new Response(c.req.method === 'HEAD' ? null : ofMemory(part), { status: range.kind === 'part' ? 206 : 200, headers });
};

/** As a body wants it; nothing is copied. Memory shared between threads does not occur here. */
const ofMemory = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const { buffer, byteOffset, length } = bytes;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(bytes);
};
