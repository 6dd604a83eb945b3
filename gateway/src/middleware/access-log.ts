import type { Clock } from '@reelay/runtime';
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { AppEnv } from '../http/env.ts';

const QUIET = /^\/(healthz|readyz|metrics)$/;
/** Paths that carry a signed token: it must not reach the log. */
const SECRET = /^(\/agent\/v1\/[a-z]+|\/s)\/[^/]+/;

export interface RequestMeasured {
  method: string;
  /** Pattern of the route, so that the number of series stays small. */
  route: string;
  status: number;
  tookMs: number;
}

/** One line per request, written when the answer's head is known. The query is left out: it may hold names. */
export const accessLog = (options: { clock: Clock; onRequest: (measured: RequestMeasured) => void }): MiddlewareHandler<AppEnv> =>
  async function accessLog(c, next) {
    const startedMs = options.clock.monotonicMs();
    await next();
    const tookMs = Math.round((options.clock.monotonicMs() - startedMs) * 10) / 10;
    const { method, path } = c.req;
    const status = c.res.status;
    options.onRequest({ method, route: routePath(c, -1), status, tookMs });
    const level = QUIET.test(path) ? 'debug' : 'info';
    c.var.logger[level]({ method, path: path.replace(SECRET, '$1/[removed]'), status, tookMs }, 'request');
  };
