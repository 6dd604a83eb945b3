import { drainRequest, type Node, NODE_ID_PATTERN, nodeListSchema, nodeSchema, PROTOCOL_VERSION, subjects, ackSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { errorCode } from '@reelay/runtime';
import { type AdminState, readNodes, setAdminState } from '@reelay/store';
import { z } from 'zod';
import { requireRole, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { emptyBodyAsObject, json, noQuery, optionalJsonBody, problems } from '../http/route.ts';

const tags = ['Nodes'];
const params = z.object({ id: z.string().meta({ description: 'Node id' }) });
const DRAIN_TIMEOUT_MS = 1_500;

export const nodeOr404 = async (deps: GatewayDeps, id: string): Promise<Node> => {
  const [node] = NODE_ID_PATTERN.test(id) ? await readNodes(deps.sql, [id]) : [];
  if (node === undefined) throw new HttpProblem('node_not_found', `There is no node ${id.slice(0, 64)}`);
  return node;
};

export const nodeRoutes = (app: App, deps: GatewayDeps): void => {
  const middleware = requireRole(deps.sql, 'SUPER_ADMIN');

  app.openapi(createRoute({
    method: 'get', path: '/api/media/nodes', tags, summary: 'List nodes', middleware, request: { query: noQuery },
    responses: { 200: json(nodeListSchema, 'All nodes'), ...problems },
  }), async (c) => c.json({ data: await readNodes(deps.sql) }, 200));

  app.openapi(createRoute({
    method: 'get', path: '/api/media/nodes/{id}', tags, summary: 'A node', middleware, request: { params, query: noQuery },
    responses: { 200: json(nodeSchema, 'The node'), ...problems },
  }), async (c) => c.json(await nodeOr404(deps, c.req.valid('param').id), 200));

  const change = async (id: string, state: AdminState, actor: string, deadlineSeconds: number | null = null): Promise<void> => {
    await setAdminState(deps.sql, id, state, actor, deadlineSeconds);
    deps.hints.queue();
    await tellDrain(deps, id, state === 'draining', deadlineSeconds);
  };

  app.openapi(createRoute({
    method: 'post', path: '/api/media/nodes/{id}/drain', tags, summary: 'Give the node no new jobs; what it has not started goes elsewhere', middleware: [middleware, emptyBodyAsObject],
    description: 'Running jobs finish. With `deadlineSeconds` what still runs then is given back and starts again elsewhere without using a retry; the deadline outlives restarts of any part. Asked again it counts anew, or, without one, no more.',
    request: { params, query: noQuery, body: optionalJsonBody(drainRequest) },
    responses: { 200: json(nodeSchema, 'The node'), ...problems },
  }), async (c) => {
    const { id } = await nodeOr404(deps, c.req.valid('param').id);
    const { deadlineSeconds } = c.req.valid('json');
    await change(id, 'draining', (await userOf(c)).username, deadlineSeconds ?? null);
    return c.json(await nodeOr404(deps, id), 200);
  });

  const actions: { action: string; state: AdminState; summary: string }[] = [
    { action: 'resume', state: 'active', summary: 'Give the node jobs again' },
    { action: 'cordon', state: 'cordoned', summary: 'Give the node no new jobs; it is not told to end anything' },
  ];
  for (const { action, state, summary } of actions) {
    app.openapi(createRoute({
      method: 'post', path: `/api/media/nodes/{id}/${action}`, tags, summary, middleware: [middleware, emptyBodyAsObject],
      request: { params, query: noQuery, body: optionalJsonBody(z.strictObject({})) },
      responses: { 200: json(nodeSchema, 'The node'), ...problems },
    }), async (c) => {
      const { id } = await nodeOr404(deps, c.req.valid('param').id);
      await change(id, state, (await userOf(c)).username);
      return c.json(await nodeOr404(deps, id), 200);
    });
  }
};

/** Told at once; a node that does not hear it reads all of it in the next heartbeat's reply. */
const tellDrain = async (deps: GatewayDeps, nodeId: string, draining: boolean, deadlineSeconds: number | null): Promise<void> => {
  const message = { v: PROTOCOL_VERSION, draining, ...(deadlineSeconds === null ? {} : { deadlineMs: deadlineSeconds * 1000 }) };
  try {
    await deps.bus.request(subjects.agent(nodeId, 'drain'), message, { timeoutMs: DRAIN_TIMEOUT_MS, schema: ackSchema });
  } catch (error) {
    deps.logger.warn({ nodeId, code: errorCode(error) }, 'node not told to drain');
  }
};
