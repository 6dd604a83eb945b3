import { z } from 'zod';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { problems } from '../http/route.ts';
import { CORS, PLAYLIST_TYPE, sendPart, type StreamPart } from '../http/send-piece.ts';
import { senderOf } from '../http/sender.ts';
import type { StreamSource, Viewing } from '../streams/source.ts';
import { ofViewedStream } from '../streams/viewed-stream.ts';
import { SIDE_DOCUMENTS, sideRoutes } from './stream-sides.ts';

const SEGMENT_TYPE = 'video/mp4';
const RENDITION = '[a-z][0-9]{1,4}';
const SEGMENT = `:rendition{${RENDITION}}/:segment{[0-9]{1,7}\\.(?:m4s|mp3)}`;
/** A token in front opens the addresses below it: those in playlists are relative and keep it. */
const ROOTS = ['/stream/:videoId/:version', '/s/:token/stream/:videoId/:version', '/s/:token/:videoId{[0-9a-f-]{36}}/:version'];

/** What a segment is called in the metrics, on whichever way it was sent. */
export const SEGMENT_ROUTES = ROOTS.map((root) => `${root}/${SEGMENT}`);

/** HLS: playlists, init segments and media segments, cut in this process from the file, or encoded on a node. */
export const streamRoutes = (app: App, deps: GatewayDeps): void => {
  const get = (path: string, make: (source: StreamSource, c: RequestContext, viewing: Viewing) => StreamPart | Promise<StreamPart>): void => {
    for (const root of ROOTS) {
      app.get(`${root}/${path}`, async (c) => {
        const request = { sender: senderOf(c), ctx: c.var.ctx, videoId: c.req.param('videoId') ?? '', version: c.req.param('version') ?? '' };
        const { made, audience } = await ofViewedStream(deps, request, (source, viewing) => make(source, c, viewing));
        return sendPart(c, made, audience);
      });
    }
  };
  sideRoutes(get, deps);
  get(`:rendition{${RENDITION}}/index.m3u8`, (source, c) => ({ kind: 'text', text: source.mediaPlaylist(renditionIn(c)), contentType: PLAYLIST_TYPE }));
  get(`:rendition{${RENDITION}}/init.mp4`, (source, c, viewing) => pieceOf(source, c, viewing, 'init'));
  get(SEGMENT, (source, c, viewing) => pieceOf(source, c, viewing, Number.parseInt(c.req.param('segment') ?? '', 10)));
  for (const path of ['/stream/*', '/s/*']) {
    app.options(path, (c) => c.body(null, 204, {
      ...CORS, 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': 'Range, If-Range, If-None-Match', 'access-control-max-age': '86400',
    }));
  }
  document(app);
};

const renditionIn = (c: RequestContext): string => c.req.param('rendition') ?? '';

/** Nothing is made for a head: it tells all about a piece that is there, and of others only that they can be had. @throws HttpProblem segment_not_found */
const pieceOf = async (source: StreamSource, c: RequestContext, viewing: Viewing, name: 'init' | number): Promise<StreamPart> => {
  const id = renditionIn(c);
  const rendition = source.renditions.find((candidate) => candidate.id === id);
  const contentType = rendition?.contentType ?? SEGMENT_TYPE;
  if (c.req.method !== 'HEAD') return { kind: 'piece', piece: await source.piece(id, name, viewing), contentType };
  const segments = rendition?.segments ?? 0;
  if (segments === 0 || (name !== 'init' && name >= segments)) throw new HttpProblem('segment_not_found', `${id} has ${segments} segments`);
  return { kind: 'piece', piece: await source.cached(id, name), contentType };
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
  register('/stream/{videoId}/{version}/master.m3u8', 'HLS: the renditions of a video', PLAYLIST_TYPE, { params });
  register('/stream/{videoId}/{version}/{rendition}/index.m3u8', 'HLS: the segments of a rendition', PLAYLIST_TYPE, { params: withRendition });
  register('/stream/{videoId}/{version}/{rendition}/init.mp4', 'CMAF initialisation segment', SEGMENT_TYPE, { params: withRendition });
  register('/stream/{videoId}/{version}/{rendition}/{n}.m4s', 'CMAF media segment', SEGMENT_TYPE, { params: withRendition.extend({ n: z.string() }) });
  for (const [path, summary, contentType] of SIDE_DOCUMENTS) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, z.string()] as const);
    register(`/stream/{videoId}/{version}/${path}`, summary, contentType, { params: params.extend(Object.fromEntries(names)) });
  }
};
