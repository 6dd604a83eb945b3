import { playbackSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import type { VideoRow } from '@reelay/store';
import type { View } from '../access/view-access.ts';
import { withSignedAddresses } from '../access/signed-playback.ts';
import { signInOf } from '../auth/sign-in.ts';
import { z } from 'zod';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { imageType, videoType } from '../http/mime.ts';
import { HttpProblem } from '../http/problem.ts';
import { idParam, json, noQuery, problems, VIDEO_ROOTS } from '../http/route.ts';
import { isCheckingEdge } from '../http/send-piece.ts';
import { senderOf } from '../http/sender.ts';
import { sendFile } from '../http/send-file.ts';
import type { ReadLease } from '../locks/read-locks.ts';
import { fileReadKind, readingVideo, viewerOf } from '../locks/reading.ts';
import { cutAhead } from '../streams/cut-ahead.ts';
import { playbackOf } from '../streams/playback.ts';
import { viewableVideo, viewOf } from '../videos/access.ts';

const tags = ['Playing'];
/** How long an edge may believe that somebody may see a video, in seconds. */
const ACCESS_KEPT_SECONDS = 10;
const playbackQuery = z.strictObject({
  start: z.coerce.number().min(0).max(1e7).optional().meta({ description: 'Seconds from which the client is about to play: what it needs first is made at once' }),
  codecs: z.string().max(500).optional().meta({ description: 'RFC 6381 strings that the client decodes, separated by commas' }),
});
const binary = (type: string, description: string) => ({ description, content: { [type]: { schema: z.string().meta({ format: 'binary' }) } } });

const codecList = (codecs: string | undefined): string[] | null => (codecs === undefined ? null : codecs.split(',').map((codec) => codec.trim()).filter((codec) => codec !== ''));

/** Public videos may be kept by shared caches; others, and what a token opened, by the viewer's browser alone. */
const cacheFor = ({ isPublic }: Pick<VideoRow, 'isPublic'>, by: View['by']): string => (isPublic && by !== 'address' ? 'public, max-age=0, must-revalidate' : 'private, max-age=0, must-revalidate');

/** RFC 8187: these four are left alone by encodeURIComponent, but mean something there. */
const extValue = (text: string): string => encodeURIComponent(text).replace(/['()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);

export const playbackRoutes = (app: App, deps: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'get', path: '/api/media/videos/{id}/playback', tags, summary: 'How to play a video, and why so', request: { params: idParam, query: playbackQuery },
    responses: { 200: json(playbackSchema, 'The way to play'), ...problems },
  }), async (c) => {
    const video = await viewableVideo(deps.sql, c, c.req.valid('param').id);
    const { codecs, start } = c.req.valid('query');
    const playback = await playbackOf(deps, video.id, codecList(codecs));
    if (start !== undefined) {
      const beginner = { viewer: viewerOf(senderOf(c), deps.settings.REELAY_TRUST_PROXY), startSeconds: start };
      if (playback.mode === 'transcode') deps.sessions.prepare(video, await deps.encoded.open(video), beginner);
      if (playback.mode === 'remux') cutAhead(deps, video, playback, beginner);
    }
    c.header('cache-control', 'private, no-cache');
    return c.json(withSignedAddresses(deps, c, await signInOf(deps.sql, c), video, playback), 200);
  });

  for (const { at, params } of VIDEO_ROOTS) {
    app.openapi(createRoute({
      method: 'get', path: `${at}/file`, tags, summary: 'The file itself, with Range', request: { params, query: noQuery },
      responses: { 200: binary('video/mp4', 'The whole file'), 206: binary('video/mp4', 'The part asked for'), 304: { description: 'The copy is current' }, ...problems },
    }), async (c) => {
      const { video, by } = await viewOf(deps, c, c.req.valid('param').id);
      return sendVideo(deps, c, await readingVideo(deps, c, video, fileReadKind(c)), by);
    });

    app.openapi(createRoute({
      method: 'get', path: `${at}/thumbnail`, tags, summary: 'The thumbnail',
      request: { params, query: z.strictObject({ v: z.string().max(200).optional().meta({ description: 'Anything: makes the URL new when the picture is' }) }) },
      responses: { 200: binary('image/jpeg', 'The picture'), 304: { description: 'The copy is current' }, ...problems },
    }), async (c) => {
      const { video, by } = await viewOf(deps, c, c.req.valid('param').id);
      if (video.thumbnailPath === null) throw new HttpProblem('file_missing', 'The video has no thumbnail yet');
      const path = await deps.library.resolveExisting(video.thumbnailPath);
      return sendFile(c, { path, contentType: imageType(video.thumbnailPath), cacheControl: cacheFor(video, by) });
    });

    app.openapi(createRoute({
      method: 'get', path: `${at}/access`, tags, summary: 'Whether this caller may see the video: for an edge that keeps its segments', request: { params, query: noQuery },
      description: 'Answers 204 either way, and `X-Reelay-Access: yes` or `no`. A video that does not exist may be seen by nobody.',
      responses: { 204: { description: 'See X-Reelay-Access' }, ...problems },
    }), async (c) => {
      const may = await mayView(deps, c, c.req.valid('param').id);
      // A no is kept for a moment, for it has to take the place of a yes.
      const kept = isCheckingEdge(senderOf(c)) ? { 'x-accel-expires': String(may ? ACCESS_KEPT_SECONDS : 1) } : {};
      return c.body(null, 204, { 'x-reelay-access': may ? 'yes' : 'no', 'cache-control': 'private, no-store', ...kept });
    });
  }
};

const mayView = async (deps: GatewayDeps, c: RequestContext, id: string): Promise<boolean> => {
  try {
    await deps.views.view(senderOf(c), id);
    return true;
  } catch (error) {
    if (error instanceof HttpProblem && error.status < 500) return false;
    throw error;
  }
};

/** Sends the file; the lease lasts until the last byte is sent, or the client has left. */
const sendVideo = async (deps: GatewayDeps, c: RequestContext, { video, release }: ReadLease, by: View['by']): Promise<Response> => {
  try {
    return await sendFile(c, {
      path: await deps.library.resolveExisting(video.path), contentType: videoType(video.path), cacheControl: cacheFor(video, by), onClose: () => release(),
      headers: { 'content-disposition': `inline; filename*=UTF-8''${extValue(video.filename)}` },
    });
  } catch (error) {
    release(true);
    throw error;
  }
};
