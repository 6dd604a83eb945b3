import { isFinal } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { delay } from '@reelay/runtime';
import { formatLogLine, type LogTail, readLog, rolesOfTokens, type Sql } from '@reelay/store';
import { z } from 'zod';
import { jobScopeOf, requireRole, requireSignIn, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { idParam, problems, uuidOr404 } from '../http/route.ts';
import { jobOr404 } from '../jobs/view.ts';

const STREAMS = ['job', 'ffmpeg', 'stderr', 'hub', 'marker'] as const;
const logQuery = z.strictObject({
  follow: z.enum(['0', '1']).default('0').meta({ description: '1: Server-Sent Events until the job ends' }),
  after: z.coerce.number().int().min(0).default(0).meta({ description: 'Cursor: the `id` of the last event, or X-Log-Cursor of the last answer' }),
  stream: z.enum(STREAMS).optional(),
});
type LogQuery = z.infer<typeof logQuery>;
const BATCHES = 200;
const POLL_MS = 400;
const PING_EVERY_POLLS = 40;
const encoder = new TextEncoder();

const textOf = (tail: LogTail, stream: LogQuery['stream']): string[] =>
  tail.lines.filter((line) => stream === undefined || line.stream === stream).map(formatLogLine);

export const jobLogRoutes = (app: App, deps: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'get', path: '/api/media/jobs/{id}/log', tags: ['Jobs'], summary: 'The whole log, or a live tail', middleware: requireRole(deps.sql, 'ADMIN'),
    description: 'Text, one line each. With `follow=1` an event stream: `event: lines` with `{lines: string[]}`, and `event: end` when the job is over.',
    request: { params: idParam, query: logQuery },
    responses: { 200: { description: 'The log', content: { 'text/plain': { schema: z.string() }, 'text/event-stream': { schema: z.string() } } }, ...problems },
  }), async (c) => {
    const query = c.req.valid('query');
    const { id } = await jobOr404(deps.sql, uuidOr404(c.req.valid('param').id, 'job_not_found'), jobScopeOf(await userOf(c)));
    const resume = Number(c.req.header('last-event-id') ?? Number.NaN);
    const after = Number.isInteger(resume) && resume >= 0 ? resume : query.after;
    c.header('cache-control', 'no-store');
    if (query.follow === '1') return follow(c, deps, id, { ...query, after }, (await requireSignIn(deps.sql, c, 'ADMIN')).principal.tokenId);
    const { lines, cursor } = await readAll(deps.sql, id, { ...query, after });
    c.header('x-log-cursor', String(cursor));
    return c.body(lines.length === 0 ? '' : `${lines.join('\n')}\n`, 200, { 'content-type': 'text/plain; charset=utf-8' });
  });
};

const readAll = async (sql: Sql, id: string, query: LogQuery): Promise<{ lines: string[]; cursor: number }> => {
  const lines: string[] = [];
  let cursor = query.after;
  for (;;) {
    const tail = await readLog(sql, id, { afterSeq: cursor, limit: BATCHES });
    lines.push(...textOf(tail, query.stream));
    if (tail.lastSeq === cursor) return { lines, cursor };
    cursor = tail.lastSeq;
  }
};

/** Reads on while the client reads, so that a slow one costs nothing. */
const follow = (c: RequestContext, deps: GatewayDeps, id: string, query: LogQuery, tokenId: string): Response => {
  let cursor = query.after;
  let polls = 0;
  let over = false;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (!over) {
          // The status first: lines stored after it was read are found by the read below it, or by the next round.
          const final = isFinal((await jobOr404(deps.sql, id, {})).status);
          const tail = await readLog(deps.sql, id, { afterSeq: cursor, limit: BATCHES });
          const lines = textOf(tail, query.stream);
          const moved = tail.lastSeq !== cursor;
          cursor = tail.lastSeq;
          if (lines.length > 0) {
            controller.enqueue(encoder.encode(`event: lines\nid: ${cursor}\ndata: ${JSON.stringify({ lines })}\n\n`));
            return;
          }
          if ((final && !moved) || deps.drain.moved) {
            if (final) controller.enqueue(encoder.encode(`event: end\nid: ${cursor}\ndata: {}\n\n`));
            over = true;
            controller.close();
            return;
          }
          polls += 1;
          if (polls % PING_EVERY_POLLS === 0) {
            if (!(await rolesOfTokens(deps.sql, [tokenId])).has(tokenId)) {
              over = true;
              controller.close();
              return;
            }
            controller.enqueue(encoder.encode(': ping\n\n'));
            return;
          }
          await delay(deps.clock, POLL_MS);
        }
      },
      cancel() {
        over = true;
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(body, 200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no', connection: 'close' });
};
