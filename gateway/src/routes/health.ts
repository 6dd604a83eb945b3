import { type Ready, readySchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { errorCode } from '@reelay/runtime';
import { countNodes } from '@reelay/store';
import { z } from 'zod';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { json, noQuery } from '../http/route.ts';

const tags = ['Service'];
const CHECK_MS = 2_000;
const SHORTEST_SILENCE_MS = 10_000;
const MISSED_BEATS = 3;

export const healthRoutes = (app: App, deps: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'get', path: '/healthz', tags, summary: 'The process is alive', request: { query: noQuery },
    responses: { 200: json(z.object({ status: z.literal('ok') }), 'Alive') },
  }), (c) => c.json({ status: 'ok' as const }, 200));

  app.openapi(createRoute({
    method: 'get', path: '/readyz', tags, summary: 'Whether it can serve', request: { query: noQuery },
    description: 'Postgres and NATS are needed. Without a healthy node it is `degraded` (200): what is there still plays.',
    responses: { 200: json(readySchema, 'Ready, or degraded'), 503: json(readySchema, 'Not ready, or stopping') },
  }), async (c) => {
    c.header('cache-control', 'no-store');
    const ready = await readiness(deps);
    return ready.status === 'ok' || ready.status === 'degraded' ? c.json(ready, 200) : c.json(ready, 503);
  });
};

const readiness = async (deps: GatewayDeps): Promise<Ready> => {
  const [nodes, nats] = await Promise.all([checkPostgres(deps), checkNats(deps)]);
  const stopping = deps.drain.begun;
  const checks: Ready['checks'] = {
    postgres: nodes === null ? { ok: false, detail: 'Postgres does not answer' } : { ok: true },
    nats: nats === null ? { ok: true } : { ok: false, detail: nats },
    ...(stopping ? { gateway: { ok: false, detail: 'stopping' } } : {}),
  };
  const up = Object.values(checks).every((check) => check.ok);
  const counts = nodes ?? { healthy: 0, total: 0 };
  if (stopping) return { status: 'stopping', checks, nodes: counts };
  return { status: !up ? 'unavailable' : counts.healthy === 0 ? 'degraded' : 'ok', checks, nodes: counts };
};

/** A node counts while it is heard by any scheduler; when this gateway started says nothing about that. */
const heardWithinMs = ({ settings }: GatewayDeps): number => Math.max(SHORTEST_SILENCE_MS, settings.REELAY_HEARTBEAT_SECONDS * 1000 * MISSED_BEATS);

const checkPostgres = (deps: GatewayDeps): Promise<{ healthy: number; total: number } | null> =>
  new Promise((resolve) => {
    const callOff = deps.clock.after(CHECK_MS, () => resolve(null));
    countNodes(deps.sql, heardWithinMs(deps)).then(resolve, () => resolve(null)).finally(callOff);
  });

const checkNats = async (deps: GatewayDeps): Promise<string | null> => {
  if (!deps.bus.isConnected) return 'NATS is not connected';
  try {
    await deps.bus.flush(CHECK_MS);
    return null;
  } catch (error) {
    return `NATS does not answer (${errorCode(error) ?? 'error'})`;
  }
};
