import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import type { Drain } from '../server/drain.ts';

const ASKED_ABOUT_HEALTH = /^\/(healthz|readyz|metrics)$/;

/**
 * On the way out every answer ends its connection, so that no request is sent on one that is about to be closed. In the
 * last moments reads are refused before anything was done for them: whoever stands in front asks another gateway.
 */
export const whileDraining = (drain: Drain): MiddlewareHandler<AppEnv> =>
  async function whileDraining(c, next) {
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (drain.phase === 'refusing' && isRead && !ASKED_ABOUT_HEALTH.test(c.req.path)) {
      throw new HttpProblem('gateway_stopping', 'This gateway is stopping: ask again, another one answers', { headers: { connection: 'close', 'retry-after': '1' } });
    }
    await next();
    if (drain.begun) c.res.headers.set('connection', 'close');
  };
