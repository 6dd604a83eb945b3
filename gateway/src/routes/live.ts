import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { problems, VIDEO_ROOTS } from '../http/route.ts';
import { readingVideo } from '../locks/reading.ts';
import type { PlannedVideo } from '../sessions/encoded-streams.ts';
import { streamProblem } from '../streams/problem.ts';
import { viewOf } from '../videos/access.ts';

/** What one encoder makes in real time without a GPU; a viewer may ask for more. */
const DEFAULT_HEIGHT = 720;
const liveQuery = z.strictObject({
  start: z.coerce.number().min(0).max(1e7).default(0).meta({ description: 'Seconds into the video' }),
  height: z.coerce.number().int().min(1).max(10_000).default(DEFAULT_HEIGHT).meta({ description: 'The largest rung of the ladder not above this height' }),
  audio: z.coerce.number().int().min(0).max(99).optional().meta({ description: 'Number of the sound track, from 0; the default one when left out' }),
});
const pipeToken = z.object({ k: z.literal('pipe'), pipeId: z.uuid() });

/** One continuous MP4, encoded while it is sent: for players that know no HLS. */
export const liveRoutes = (app: App, deps: GatewayDeps): void => {
  for (const { at, params } of VIDEO_ROOTS) {
    app.openapi(createRoute({
      method: 'get', path: `${at}/live.mp4`, tags: ['Playing'], summary: 'The video as one continuous fragmented MP4, encoded as it is sent',
      description: 'Ends with its request. There is no seeking in it: ask again with another `start`. A client that reads nothing for a while is cut off.',
      request: { params, query: liveQuery },
      responses: { 200: { description: 'The film from `start` on', content: { 'video/mp4': { schema: z.string().meta({ format: 'binary' }) } } }, ...problems },
    }), async (c) => {
      const { video: found } = await viewOf(deps, c, c.req.valid('param').id);
      const headers = { 'content-type': 'video/mp4', 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'accept-ranges': 'none' };
      if (c.req.method === 'HEAD') return c.body(null, 200, headers);
      const { video, release } = await readingVideo(deps, c, found, 'stream');
      try {
        const planned = await deps.encoded.open(video);
        const { start, height, audio } = c.req.valid('query');
        const film = await deps.pipes.open({ video, planned, startSeconds: start, ...chosen(planned, start, height, audio) }, c.var.ctx);
        // The lease goes with the request.
        return c.body(film, 200, headers);
      } catch (error) {
        release(true);
        throw await streamProblem(deps, video.id, null, error);
      }
    });
  }

  app.post('/agent/v1/pipes/:token', async (c) => {
    const { pipeId } = payloadOf(deps, c);
    const pipe = deps.pipes.get(pipeId);
    const { body } = c.req.raw;
    if (pipe === undefined || body === null) throw new HttpProblem('session_gone', 'Nobody waits for this film any more');
    c.var.ctx.onCancel(() => pipe.sourceEnded());
    await pipe.take(body);
    return c.json({ ok: true }, 200, { connection: 'close' });
  });
};

/** @throws HttpProblem invalid_parameter */
const chosen = ({ stream }: PlannedVideo, start: number, height: number, track: number | undefined): { videoRendition: string | null; audioRendition: string | null } => {
  if (start >= stream.durationSeconds) throw new HttpProblem('invalid_parameter', `start: the video ends at ${stream.durationSeconds.toFixed(1)} s`);
  const rungs = stream.renditions.filter(({ recipe }) => recipe.kind === 'video');
  const sounds = stream.renditions.filter(({ recipe }) => recipe.kind === 'audio');
  const rung = rungs.findLast(({ recipe }) => recipe.kind === 'video' && Math.min(recipe.width, recipe.height) <= height) ?? rungs[0];
  const sound = track === undefined ? (sounds.find(({ source }) => source.disposition.includes('default')) ?? sounds[0]) : sounds[track];
  if (track !== undefined && sound === undefined) throw new HttpProblem('invalid_parameter', `audio: the video has ${sounds.length} sound tracks`);
  return { videoRendition: rung?.id ?? null, audioRendition: sound?.id ?? null };
};

/** @throws HttpProblem unauthenticated */
const payloadOf = (deps: GatewayDeps, c: RequestContext): z.infer<typeof pipeToken> => {
  try {
    return pipeToken.parse(deps.keys.verify(c.req.param('token') ?? ''));
  } catch (error) {
    throw new HttpProblem('unauthenticated', 'The signed address is not valid (any more)', { cause: error });
  }
};
