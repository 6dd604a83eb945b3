import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Ctx, errorCode } from '@reelay/runtime';
import { z } from 'zod';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { isNotModified, parseRange, rangeStillValid } from '../http/range.ts';
import { problems } from '../http/route.ts';
import { readingVideo } from '../locks/reading.ts';
import type { MediaPackage } from '../packaging/package.ts';
import { viewableVideo } from '../videos/access.ts';

const PLAYLIST = 'application/vnd.apple.mpegurl';
const SEGMENT = 'video/mp4';
const toGzip = promisify(gzip);
/** Cutting takes milliseconds; a disk that takes this long does not answer. */
const SEGMENT_MS = 30_000;
const RENDITION = '[a-z][0-9]{1,3}';
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Length, Content-Range, ETag',
  'cross-origin-resource-policy': 'cross-origin',
};

interface Piece {
  /** Null: nothing was made, for only the head was asked for. */
  body: string | Uint8Array | null;
  contentType: string;
  /** Pieces under a version never change; playlists may be made anew by a later release. */
  cache: 'immutable' | 'playlist';
}

/** HLS: playlists, init segments and media segments, cut in this process from the file. */
export const streamRoutes = (app: App, deps: GatewayDeps): void => {
  const root = '/stream/:videoId/:version';
  const get = (path: string, make: (pack: MediaPackage, c: RequestContext) => Piece | Promise<Piece>): void => {
    app.get(path, async (c) => send(c, await packed(c, await pieceOf(deps, c, make))));
  };
  get(`${root}/master.m3u8`, (pack) => ({ body: pack.masterPlaylist(), contentType: PLAYLIST, cache: 'playlist' }));
  get(`${root}/:rendition{${RENDITION}}/index.m3u8`, (pack, c) => ({ body: pack.mediaPlaylist(c.req.param('rendition') ?? ''), contentType: PLAYLIST, cache: 'playlist' }));
  get(`${root}/:rendition{${RENDITION}}/init.mp4`, async (pack, c) => {
    const id = c.req.param('rendition') ?? '';
    return { body: isHead(c) ? headOf(pack, id, 0) : await pack.init(id), contentType: typeOf(pack, c), cache: 'immutable' };
  });
  get(`${root}/:rendition{${RENDITION}}/:segment{[0-9]{1,7}\\.m4s}`, async (pack, c) => {
    const n = Number((c.req.param('segment') ?? '').replace('.m4s', ''));
    const id = c.req.param('rendition') ?? '';
    const body = isHead(c) ? headOf(pack, id, n) : await within(c.var.ctx.child(`segment ${id}/${n}`).withTimeout(SEGMENT_MS, deps.clock), ({ signal }) => pack.segment(id, n, signal));
    return { body, contentType: typeOf(pack, c), cache: 'immutable' };
  });
  app.options('/stream/*', (c) => c.body(null, 204, {
    ...CORS, 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': 'Range, If-Range, If-None-Match', 'access-control-max-age': '86400',
  }));
  document(app);
};

/** Runs work in a context of its own, which ends with it. */
const within = async <T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> => {
  try {
    return await work(ctx);
  } finally {
    ctx.end();
  }
};

const isHead = (c: RequestContext): boolean => c.req.method === 'HEAD';
/** Nothing is cut for a head; it only tells whether the piece exists. @throws HttpProblem segment_not_found */
const headOf = (pack: MediaPackage, id: string, n: number): null => {
  const segments = pack.renditions.find((rendition) => rendition.id === id)?.segments ?? 0;
  if (n >= segments) throw new HttpProblem('segment_not_found', `${id} has ${segments} segments`);
  return null;
};

const typeOf = (pack: MediaPackage, c: RequestContext): string => pack.renditions.find(({ id }) => id === c.req.param('rendition'))?.contentType ?? SEGMENT;

const pieceOf = async (
  deps: GatewayDeps, c: RequestContext, make: (pack: MediaPackage, c: RequestContext) => Piece | Promise<Piece>,
): Promise<Piece & { isPublic: boolean }> => {
  const found = await viewableVideo(deps.sql, c, c.req.param('videoId') ?? '');
  c.var.ctx.throwIfCancelled();
  const { video, release } = await readingVideo(deps, c, found, 'stream');
  let failed = true;
  try {
    const pack = await deps.packages.open(video);
    c.var.ctx.throwIfCancelled();
    if (pack.version !== c.req.param('version')) throw new HttpProblem('version_gone', 'The video changed: ask for its playback again');
    const piece = await make(pack, c);
    failed = false;
    return { ...piece, isPublic: video.isPublic };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'unknown_rendition' || code === 'segment_out_of_range') throw new HttpProblem('segment_not_found', error instanceof Error ? error.message : '', { cause: error });
    if (code === 'source_changed' || code === 'file_not_found') {
      deps.packages.forget(video.id);
      throw new HttpProblem('version_gone', 'The file changed; run “Validate Metadata” on the video', { cause: error });
    }
    if (code === 'not_remuxable' || code === 'parameter_sets_changed') throw new HttpProblem('not_playable', error instanceof Error ? error.message : '', { cause: error });
    throw error;
  } finally {
    release(failed);
  }
};

interface Packed {
  bytes: Uint8Array | null;
  encoding: 'gzip' | null;
  contentType: string;
  cache: Piece['cache'];
  isPublic: boolean;
}

/** Playlists shrink to a tenth; segments do not shrink, and parts of a compressed answer would be useless. */
const packed = async (c: RequestContext, { body, ...piece }: Piece & { isPublic: boolean }): Promise<Packed> => {
  if (typeof body !== 'string') return { ...piece, bytes: body, encoding: null };
  const plain = new TextEncoder().encode(body);
  const wanted = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '') && c.req.header('range') === undefined;
  return wanted ? { ...piece, bytes: await toGzip(plain), encoding: 'gzip' } : { ...piece, bytes: plain, encoding: null };
};

const send = (c: RequestContext, { bytes, encoding, ...piece }: Packed): Response => {
  const scope = piece.isPublic ? 'public' : 'private';
  const headers = new Headers({
    'content-type': piece.contentType, 'accept-ranges': 'bytes',
    'cache-control': piece.cache === 'immutable' ? `${scope}, max-age=31536000, immutable` : `${scope}, max-age=300, stale-while-revalidate=60`,
    ...(piece.contentType === PLAYLIST ? { vary: 'Accept-Encoding' } : {}),
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
    ...(piece.isPublic ? CORS : {}),
  });
  if (bytes === null) return new Response(null, { headers });
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
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
  return new Response(c.req.method === 'HEAD' ? null : new Uint8Array(part), { status: range.kind === 'part' ? 206 : 200, headers });
};

const document = (app: App): void => {
  const params = z.object({ videoId: z.string(), version: z.string() });
  const withRendition = params.extend({ rendition: z.string() });
  const register = (path: string, summary: string, contentType: string, request: { params: z.ZodObject }): void => {
    app.openAPIRegistry.registerPath({
      method: 'get', path, tags: ['Playing'], summary, request,
      responses: { 200: { description: summary, content: { [contentType]: { schema: z.string().meta({ format: 'binary' }) } } }, ...problems },
    });
  };
  register('/stream/{videoId}/{version}/master.m3u8', 'HLS: the renditions of a video', PLAYLIST, { params });
  register('/stream/{videoId}/{version}/{rendition}/index.m3u8', 'HLS: the segments of a rendition', PLAYLIST, { params: withRendition });
  register('/stream/{videoId}/{version}/{rendition}/init.mp4', 'CMAF initialisation segment', SEGMENT, { params: withRendition });
  register('/stream/{videoId}/{version}/{rendition}/{n}.m4s', 'CMAF media segment', SEGMENT, { params: withRendition.extend({ n: z.string() }) });
};
