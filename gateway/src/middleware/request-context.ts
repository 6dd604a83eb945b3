import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { ClientGone, type Ctx } from '@reelay/runtime';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../http/env.ts';
import { loggedPath, plainPath } from '../http/signed-path.ts';
import { kindOf, type Requests } from '../server/requests.ts';

/**
 * Gives each request a context (`c.var.ctx`) that ends with the answer's last byte, or is cancelled with the cause when
 * something ends it before: the client left, stood still, the gateway's deadline.
 *
 * The answer's `close` is what tells. The request's own signal stays silent for HEAD and is a string without a cause;
 * it is made on first need, and making it would read every body the long way. Without a socket it is all there is.
 *
 * The other way round, an answer whose head is out already is broken off when its context is cancelled: its body is
 * cancelled, and no client takes half of it for the whole. Before that, the handler throws the cause and a problem is sent.
 */
export const requestContext = (requests: Requests): MiddlewareHandler<AppEnv> =>
  async function requestContext(c, next) {
    const { incoming, outgoing } = c.env ?? {};
    const ctx = requests.begin(`${c.req.method} ${loggedPath(c.req.path)}`, kindOf(plainPath(c.req.path)), incoming);
    c.set('ctx', ctx);
    if (outgoing === undefined) {
      c.req.raw.signal.addEventListener('abort', () => ctx.cancel(new ClientGone()), { once: true });
    } else {
      tieToAnswer(ctx, outgoing);
    }
    await next();
  };

/** The context ends with the answer, and the answer with the context once its head is out. */
export const tieToAnswer = (ctx: Ctx, outgoing: ServerResponse | Http2ServerResponse): void => {
  outgoing.once('close', () => (outgoing.writableFinished ? ctx.end() : ctx.cancel(new ClientGone())));
  ctx.onCancel(() => {
    if (outgoing.headersSent && !outgoing.writableFinished) outgoing.destroy();
  });
};
