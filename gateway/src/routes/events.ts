import { type EventTopic, eventsQuery, type Role } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { StalledClient } from '@reelay/runtime';
import { z } from 'zod';
import { requireSignIn } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import { sseText } from '../hub/events.ts';
import type { HubClient } from '../hub/hub.ts';
import { sseStream } from '../hub/sse.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { problems } from '../http/route.ts';

/** Who may hear what: jobs of others, nodes and streams are a SUPER_ADMIN's, a VIEWER hears of videos only. */
const TOPICS: Readonly<Record<Role, readonly EventTopic[]>> = {
  SUPER_ADMIN: ['jobs', 'nodes', 'streams', 'videos'],
  ADMIN: ['jobs', 'videos'],
  VIEWER: ['videos'],
};
const EVENT_STREAM = 'text/event-stream; charset=utf-8';
const MOST_STREAMS_LENGTH = 1_000_000;
const encoder = new TextEncoder();

export const eventRoutes = (app: App, deps: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'get', path: '/api/media/events', tags: ['Live'], summary: 'Live events (Server-Sent Events)',
    description: '`job`, `video` and `node` carry the whole current object; `progress` is coalesced. `streams` are all there are, when the connection begins; `stream` is one that was opened or has changed (coalesced, at most once a second for each), `stream-ended` says why. Resume with Last-Event-ID; `reset` means: load your lists again; `moving`: this gateway stops, come back after `retryMs`.',
    request: { query: eventsQuery },
    responses: { 200: { description: 'The stream', content: { 'text/event-stream': { schema: z.string() } } }, ...problems },
  }), async (c) => {
    const { principal } = await requireSignIn(deps.sql, c, 'VIEWER');
    const { username, role } = principal.user;
    c.header('cache-control', 'no-store');
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': EVENT_STREAM });
    const { ctx } = c.var;
    const resumeId = c.req.header('last-event-id');
    if (resumeId !== undefined) await deps.outbox.reach(resumeId, ctx);
    ctx.throwIfCancelled();
    const topics = c.req.valid('query').topics.filter((topic) => TOPICS[role].includes(topic));
    const client = deps.hub.register({ topics, jobs: role === 'SUPER_ADMIN' ? 'all' : 'own', username }, deps.clock.monotonicMs(), { tokenId: principal.tokenId, role });
    if (client === null && deps.drain.begun) throw new HttpProblem('gateway_stopping', 'This gateway is stopping: ask again, another one answers', { headers: { 'retry-after': '1' } });
    if (client === null) throw new HttpProblem('unavailable', 'No room for another live stream at the moment', { headers: { 'retry-after': '5' } });
    ctx.onCancel(() => deps.hub.leave(client, 'closed'));
    try {
      await greet(deps, client, resumeId);
    } catch (error) {
      deps.hub.leave(client, 'closed');
      throw error;
    }
    return c.body(streamOf(deps, c, client), 200, {
      // Nothing comes after a stream: a proxy need not keep its connection for another request.
      'content-type': EVENT_STREAM, 'x-accel-buffering': 'no', connection: 'close',
    });
  });
};

/** First what the client missed, then everything that came meanwhile: the queue holds it back until here. */
const greet = async (deps: GatewayDeps, client: HubClient, resumeId: string | undefined): Promise<void> => {
  const here = deps.hub.flushedId ?? '0.0';
  const missed = resumeId === undefined ? [] : await deps.outbox.replay(resumeId, here, client.audience);
  const parts = [
    'retry: 2000\n\n',
    sseText({ event: 'hello', data: { id: here } }, missed === null || missed.length === 0 ? here : undefined),
    missed === null ? sseText({ event: 'reset', data: { reason: 'The resume id is not known here' } }) : missed.map((event) => event.text).join(''),
    client.audience.topics.includes('streams') ? allStreams(deps) : '',
  ];
  client.queue.release(encoder.encode(parts.join('')), deps.clock.monotonicMs());
};

/** What changes of a stream cannot be replayed, so whoever comes hears how all are. */
const allStreams = ({ directory }: GatewayDeps): string => {
  const text = sseText({ event: 'streams', data: { data: directory.all() } });
  return text.length <= MOST_STREAMS_LENGTH ? text : sseText({ event: 'reset', data: { reason: 'Too many streams for one message' } });
};

const streamOf = (deps: GatewayDeps, c: RequestContext, client: HubClient): ReadableStream<Uint8Array> =>
  sseStream(deps.hub, client, deps.clock, () => {
    if (client.queue.left !== 'stalled' && client.queue.left !== 'overflow') return;
    // Breaks the answer off: a socket that takes nothing would hold it open for ever.
    c.var.ctx.cancel(new StalledClient(Math.round(deps.clock.monotonicMs() - (client.queue.waitingSinceMs ?? client.sinceMs))));
  });
