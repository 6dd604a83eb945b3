import { fileUseQuery, patchVideoRequest, videoListQuery, videoListSchema, videoSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { listVideos, toVideo } from '@reelay/store';
import type { z } from 'zod';
import { requireRole, requireSignIn, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { idParam, json, jsonBody, noQuery, problems, uuidOr404 } from '../http/route.ts';
import { senderOf } from '../http/sender.ts';
import { viewerOf } from '../locks/reading.ts';
import { viewableVideo } from '../videos/access.ts';
import { safeFileName } from '../videos/file-name.ts';
import { changeVideo, deleteVideo, type MoveRequest, undeleteVideo } from '../videos/move.ts';

const tags = ['Videos'];

/** A file name that needs no mending: what a person typed is kept or refused, never changed. */
const wantedName = (filename: string | undefined): string | undefined => {
  if (filename !== undefined && safeFileName(filename) !== filename) {
    const message = 'must be a plain file name: no path separators, control characters or leading dots, at most 255 bytes';
    throw new HttpProblem('invalid_parameter', `filename: ${message}`, { errors: [{ path: 'filename', message }] });
  }
  return filename;
};

export const videoRoutes = (app: App, deps: GatewayDeps): void => {
  readRoutes(app, deps);
  writeRoutes(app, deps);
};

const readRoutes = (app: App, { sql }: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'get', path: '/api/media/videos', tags, summary: 'List and search videos',
    description: 'With `public=true` it needs no sign-in: the public gallery.',
    request: { query: videoListQuery },
    responses: { 200: json(videoListSchema, 'A page of videos'), ...problems },
  }), async (c) => {
    const query = c.req.valid('query');
    if (query.public !== true) await requireSignIn(sql, c, 'VIEWER');
    return c.json(await listVideos(sql, query), 200);
  });

  app.openapi(createRoute({
    method: 'get', path: '/api/media/videos/{id}', tags, summary: 'A video', request: { params: idParam, query: noQuery },
    responses: { 200: json(videoSchema, 'The video'), ...problems },
  }), async (c) => c.json(toVideo(await viewableVideo(sql, c, c.req.valid('param').id)), 200));
};

/** @throws HttpProblem forbidden when the streams of others are to end and the user may not */
const moveRequest = async ({ settings }: GatewayDeps, c: RequestContext, { wait = 0, force = false }: z.infer<typeof fileUseQuery>): Promise<MoveRequest> => {
  const user = await userOf(c);
  if (force && user.role !== 'SUPER_ADMIN') throw new HttpProblem('forbidden', 'Ending the streams of others needs the role SUPER_ADMIN');
  return { user, ctx: c.var.ctx, viewer: viewerOf(senderOf(c), settings.REELAY_TRUST_PROXY), waitMs: wait * 1000, force };
};

const IN_USE = 'A file that a stream or a job reads is refused with `file_in_use`, naming who; `wait` waits for them, `force` ends the streams.';

const writeRoutes = (app: App, deps: GatewayDeps): void => {
  const middleware = requireRole(deps.sql, 'ADMIN');

  app.openapi(createRoute({
    method: 'patch', path: '/api/media/videos/{id}', tags, summary: 'Change title, file name, tags, or who may see it', middleware,
    description: IN_USE, request: { params: idParam, query: fileUseQuery, body: jsonBody(patchVideoRequest) },
    responses: { 200: json(videoSchema, 'Changed'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'video_not_found');
    const { filename, ...change } = c.req.valid('json');
    const video = await changeVideo(deps, id, { ...change, filename: wantedName(filename) }, await moveRequest(deps, c, c.req.valid('query')));
    deps.hints.outbox();
    return c.json(video, 200);
  });

  app.openapi(createRoute({
    method: 'delete', path: '/api/media/videos/{id}', tags, summary: 'Move a video to the trash', middleware, description: IN_USE, request: { params: idParam, query: fileUseQuery },
    responses: { 204: { description: 'In the trash' }, ...problems },
  }), async (c) => {
    await deleteVideo(deps, uuidOr404(c.req.valid('param').id, 'video_not_found'), await moveRequest(deps, c, c.req.valid('query')));
    deps.hints.outbox();
    return c.body(null, 204);
  });

  app.openapi(createRoute({
    method: 'post', path: '/api/media/videos/{id}/restore', tags, summary: 'Take a video out of the trash', middleware, request: { params: idParam, query: fileUseQuery },
    responses: { 200: json(videoSchema, 'Restored'), ...problems },
  }), async (c) => {
    const video = await undeleteVideo(deps, uuidOr404(c.req.valid('param').id, 'video_not_found'), await moveRequest(deps, c, c.req.valid('query')));
    deps.hints.outbox();
    return c.json(video, 200);
  });
};
