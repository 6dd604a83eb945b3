import { leaderMetricsSchema, PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { errorCode } from '@reelay/runtime';
import { z } from 'zod';
import { requireSignIn } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import { isLoopback } from '../http/client-address.ts';
import type { App } from '../http/env.ts';
import { noQuery, problems } from '../http/route.ts';
import { queueMetrics } from '../server/queue-metrics.ts';

const LEADER_MS = 1_000;

export const metricsRoutes = (app: App, deps: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'get', path: '/metrics', tags: ['Service'], summary: 'Prometheus metrics', request: { query: noQuery },
    description: 'From this machine without sign-in (not through a proxy on it), else with the token of an ADMIN. `reelay_queue_metrics_up` is 0 while no scheduler leads.',
    responses: { 200: { description: 'Text format', content: { 'text/plain': { schema: z.string() } } }, ...problems },
  }), async (c) => {
    if (!isLoopback(c, deps.settings.REELAY_TRUST_PROXY)) await requireSignIn(deps.sql, c, 'ADMIN');
    const [queue, own] = await Promise.all([queueText(deps), deps.metrics.registry.metrics()]);
    const up = `# HELP reelay_queue_metrics_up Whether a scheduler answered for the queue\n# TYPE reelay_queue_metrics_up gauge\nreelay_queue_metrics_up ${queue === '' ? 0 : 1}\n`;
    return c.text([queue, up, own].filter((part) => part !== '').join('\n'), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' });
  });
};

const queueText = async (deps: GatewayDeps): Promise<string> => {
  try {
    return await queueMetrics(await deps.bus.request(subjects.metrics, { v: PROTOCOL_VERSION }, { timeoutMs: LEADER_MS, schema: leaderMetricsSchema }));
  } catch (error) {
    deps.logger.debug({ code: errorCode(error) }, 'no queue metrics');
    return '';
  }
};
