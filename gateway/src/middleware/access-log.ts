import { type Clock, errorCode, Finished, type Logger } from '@reelay/runtime';
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { AppEnv } from '../http/env.ts';
import { loggedPath } from '../http/signed-path.ts';

const QUIET = /^\/(healthz|readyz|metrics)$/;
export interface RequestMeasured {
  method: string;
  /** Pattern of the route, so that the number of series stays small. */
  route: string;
  status: number;
  tookMs: number;
}

/**
 * One line per request, written when it is over; `tookMs` until the answer's head, `totalMs` until its end. One that did
 * not end by itself says why. The query is left out: it may hold names.
 */
export const accessLog = (options: { clock: Clock; logger: Logger; onRequest: (measured: RequestMeasured) => void }): MiddlewareHandler<AppEnv> => {
  // The fields are these few, none of them secret: the search for secrets would be a tenth of the cost of a segment.
  const line = options.logger.child({}, { redact: [] });
  return async function accessLog(c, next) {
    const startedMs = options.clock.monotonicMs();
    await next();
    const tookMs = Math.round((options.clock.monotonicMs() - startedMs) * 10) / 10;
    const { method, path } = c.req;
    const status = c.res.status;
    options.onRequest({ method, route: routePath(c, -1), status, tookMs });
    const { ctx, requestId } = c.var;
    const write = (cause: Error | undefined) => {
      const totalMs = Math.round((options.clock.monotonicMs() - startedMs) * 10) / 10;
      const cut = cause === undefined || cause instanceof Finished ? {} : { cause: cause.message, code: errorCode(cause) };
      line[QUIET.test(path) ? 'debug' : 'info']({ requestId, method, path: loggedPath(path), status, tookMs, totalMs, ...cut }, 'request');
    };
    if (c.env?.outgoing === undefined) write(ctx.cause);
    else ctx.onCancel(write);
  };
};
