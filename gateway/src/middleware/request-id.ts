import type { Logger } from '@reelay/runtime';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../http/env.ts';

const ACCEPTED = /^[A-Za-z0-9._-]{1,64}$/;

/** Gives each request an id, the client's own when it is harmless, and a logger that carries it. */
export const requestId = (options: { newId: () => string; logger: Logger }): MiddlewareHandler<AppEnv> =>
  async function requestId(c, next) {
    const offered = c.req.header('x-request-id');
    const id = offered !== undefined && ACCEPTED.test(offered) ? offered : options.newId();
    c.set('requestId', id);
    c.set('logger', options.logger.child({ requestId: id }));
    c.header('x-request-id', id);
    await next();
    c.res.headers.set('x-request-id', id);
  };
