/** The on-demand transcodes: looked at, and ended by hand. */
import { endStreamRequest, endStreamResponse, type Stream, streamListSchema, type StreamStats, streamStatsListSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { appendAudit, inTransaction } from '@reelay/store';
import { z } from 'zod';
import { requireRole, signInOf, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { emptyBodyAsObject, idParam, json, noQuery, optionalJsonBody, problems } from '../http/route.ts';
import { senderOf } from '../http/sender.ts';
import { viewerOf } from '../locks/reading.ts';
import { viewableVideo } from '../videos/access.ts';

const tags = ['Streams'];

export const streamsRoutes = (app: App, deps: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'get', path: '/api/media/streams', tags, summary: 'What is being encoded for viewers', middleware: requireRole(deps.sql, 'SUPER_ADMIN'), request: { query: noQuery },
    description: 'Each session with its node, viewers, and runs of the encoder: process id, speed, how far it is. All gateways are asked, each with 200 ms; the streams of one that does not answer are as last heard, with `unreachable`.',
    responses: { 200: json(streamListSchema, 'The sessions, newest first'), ...problems },
  }), async (c) => {
    c.header('cache-control', 'no-store');
    return c.json({ data: await deps.allStreams.list() }, 200);
  });

  app.openapi(createRoute({
    method: 'get', path: '/api/media/videos/{id}/stream-stats', tags, summary: 'How the encode of a video goes that is watched now', request: { params: idParam, query: noQuery },
    description: 'For whoever may watch the video. Node and device are told to a SUPER_ADMIN alone. Empty: nothing is encoded of it.',
    responses: { 200: json(streamStatsListSchema, 'Its sessions on this gateway, or else on others'), ...problems },
  }), async (c) => {
    const { id } = await viewableVideo(deps.sql, c, c.req.valid('param').id);
    const isAdmin = (await signInOf(deps.sql, c))?.principal.user.role === 'SUPER_ADMIN';
    const own = deps.sessions.list().filter(({ videoId }) => videoId === id);
    const found = own.length > 0 ? own : deps.directory.all().filter(({ videoId, kind }) => videoId === id && kind === 'segments');
    c.header('cache-control', 'private, no-store');
    return c.json({ data: found.map((stream) => statsOf(stream, isAdmin)) }, 200);
  });

  app.openapi(createRoute({
    method: 'delete', path: '/api/media/videos/{id}/viewing', tags, summary: 'Say that one plays a video no longer', request: { params: idParam, query: noQuery },
    description: 'What is encoded for this viewer alone ends at once, and not only once nobody has asked for it for a while. For whoever may watch the video; whoever asks for a segment plays it again.',
    responses: { 204: { description: 'Known now' }, ...problems },
  }), async (c) => {
    const { id } = await viewableVideo(deps.sql, c, c.req.valid('param').id);
    deps.sessions.left(id, viewerOf(senderOf(c), deps.settings.REELAY_TRUST_PROXY));
    return c.body(null, 204);
  });

  app.openapi(createRoute({
    method: 'delete', path: '/api/media/streams/{id}', tags, summary: 'End a stream by hand', middleware: [requireRole(deps.sql, 'SUPER_ADMIN'), emptyBodyAsObject],
    description: 'Its encoders end at once. Players that wait are told why, and may start it anew after 10 s. It may be one of another gateway; where that does not answer, its node is told. 404 `stream_not_found`: no gateway has it.',
    request: { params: idParam, query: noQuery, body: optionalJsonBody(endStreamRequest) },
    responses: { 200: json(endStreamResponse, 'Ended'), ...problems },
  }), async (c) => {
    const { id } = c.req.valid('param');
    const { reason } = c.req.valid('json');
    const by = (await userOf(c)).username;
    const ended = z.uuid().safeParse(id).success ? await deps.allStreams.end(id, by) : null;
    if (ended === null) throw new HttpProblem('stream_not_found', `There is no stream ${id.slice(0, 64)}, or not any more`);
    await inTransaction(deps.sql, (tx) => appendAudit(tx, { topic: 'videos', entityId: ended.videoId, event: 'streamEnded', actor: by, detail: reason ?? null }));
    deps.hints.outbox();
    return c.json({ id: ended.id, ended: true as const }, 200);
  });
};

const statsOf = ({ state, nodeId, deviceId, encoder, viewers, uptimeSeconds, segments, detail, heads }: Stream, isAdmin: boolean): StreamStats => ({
  state, encoder, viewers, uptimeSeconds, segments, detail, nodeId: isAdmin ? nodeId : null, deviceId: isAdmin ? deviceId : null,
  heads: heads.map((head) => ({ renditionId: head.renditionId, state: head.state, encoder: head.encoder, fps: head.fps, speed: head.speed })),
});
