import type { Logger } from '@reelay/runtime';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../http/env.ts';

const ACCEPTED = /^[A-Za-z0-9._-]{1,64}$/;

/** The client's own when it is harmless. */
export const requestIdOf = (offered: string | undefined, newId: () => string): string => (offered !== undefined && ACCEPTED.test(offered) ? offered : newId());

/** Gives each request an id, and a logger that carries it. */
export const requestId = (options: { newId: () => string; logger: Logger }): MiddlewareHandler<AppEnv> =>
  async function requestId(c, next) {
    const id = requestIdOf(c.req.header('x-request-id'), options.newId);
    c.set('requestId', id);
    c.set('logger', options.logger.child({ requestId: id }));
    c.header('x-request-id', id);
    await next();
    c.res.headers.set('x-request-id', id);
  };
