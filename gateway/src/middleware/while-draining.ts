import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import type { Drain } from '../server/drain.ts';

const ASKED_ABOUT_HEALTH = /^\/(healthz|readyz|metrics)$/;

/** In the last moments reads are refused before anything was done for them: whoever stands in front asks another gateway. */
export const whileDraining = (drain: Drain): MiddlewareHandler<AppEnv> =>
  async function whileDraining(c, next) {
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (drain.refusesReads && isRead && !ASKED_ABOUT_HEALTH.test(c.req.path)) {
      throw new HttpProblem('gateway_stopping', 'This gateway is stopping: ask again, another one answers', { headers: { 'retry-after': '1' } });
    }
    await next();
  };
