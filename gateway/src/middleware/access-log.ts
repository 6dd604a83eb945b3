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

export interface LoggedRequest {
  requestId: string;
  method: string;
  path: string;
  status: number;
  startedMs: number;
  endedMs: number;
  /** Until the answer's head. */
  tookMs: number;
}

/** Writes the line of a request that is over. */
export type RequestLine = (request: LoggedRequest, cause: Error | undefined) => void;

/**
 * One line per request, written when it is over; `tookMs` until the answer's head, `totalMs` until its end. One that did
 * not end by itself says why. The query is left out: it may hold names.
 */
export const requestLine = (logger: Logger): RequestLine => {
  // The fields are these few, none of them secret: the search for secrets would be a tenth of the cost of a segment.
  const line = logger.child({}, { redact: [] });
  return ({ startedMs, endedMs, path, ...request }, cause) => {
    const cut = cause === undefined || cause instanceof Finished ? {} : { cause: cause.message, code: errorCode(cause) };
    line[QUIET.test(path) ? 'debug' : 'info']({ ...request, path: loggedPath(path), totalMs: tenths(endedMs - startedMs), ...cut }, 'request');
  };
};

export const tenths = (ms: number): number => Math.round(ms * 10) / 10;

/** Counts and logs each request. */
export const accessLog = (options: { clock: Clock; logger: Logger; onRequest: (measured: RequestMeasured) => void }): MiddlewareHandler<AppEnv> => {
  const writeLine = requestLine(options.logger);
  return async function accessLog(c, next) {
    const startedMs = options.clock.monotonicMs();
    await next();
    const tookMs = tenths(options.clock.monotonicMs() - startedMs);
    const { method, path } = c.req;
    const status = c.res.status;
    options.onRequest({ method, route: routePath(c, -1), status, tookMs });
    const { ctx, requestId } = c.var;
    const write = (cause: Error | undefined) => writeLine({ requestId, method, path, status, startedMs, endedMs: options.clock.monotonicMs(), tookMs }, cause);
    if (c.env?.outgoing === undefined) write(ctx.cause);
    else ctx.onCancel(write);
  };
};
