import { apiTokenSchema, createdTokenSchema, createTokenRequest } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { deleteToken, insertToken, listApiTokens } from '@reelay/store';
import { z } from 'zod';
import { requireRole, userOf } from '../auth/sign-in.ts';
import { hashToken, newToken } from '../auth/tokens.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { idParam, json, jsonBody, noQuery, problems, uuidOr404 } from '../http/route.ts';

const tags = ['API tokens'];

/** API tokens of the signed-in user: for scripts, with the user's own role. */
export const tokenRoutes = (app: App, { sql, newId, views }: GatewayDeps): void => {
  const middleware = requireRole(sql, 'VIEWER');

  app.openapi(createRoute({
    method: 'get', path: '/api/auth/tokens', tags, summary: 'List own API tokens', middleware, request: { query: noQuery },
    responses: { 200: json(z.object({ data: z.array(apiTokenSchema) }), 'The tokens, without their secret'), ...problems },
  }), async (c) => c.json({ data: await listApiTokens(sql, (await userOf(c)).id) }, 200));

  app.openapi(createRoute({
    method: 'post', path: '/api/auth/tokens', tags, summary: 'Make an API token; it is shown only now', middleware,
    request: { query: noQuery, body: jsonBody(createTokenRequest) },
    responses: { 201: json(createdTokenSchema, 'Made'), ...problems },
  }), async (c) => {
    const { name, expiresInDays } = c.req.valid('json');
    const token = newToken('api');
    const stored = await insertToken(sql, {
      id: newId(), userId: (await userOf(c)).id, kind: 'api', name, tokenHash: hashToken(token),
      lifeSeconds: expiresInDays === undefined ? null : expiresInDays * 86_400,
    });
    c.header('cache-control', 'no-store');
    return c.json({ ...stored, token }, 201);
  });

  app.openapi(createRoute({
    method: 'delete', path: '/api/auth/tokens/{id}', tags, summary: 'End an API token', middleware, request: { params: idParam, query: noQuery },
    responses: { 204: { description: 'Ended' }, ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'token_not_found');
    if (!(await deleteToken(sql, id, (await userOf(c)).id))) throw new HttpProblem('token_not_found', `You have no token ${id}`);
    views.forgetSignIns();
    return c.body(null, 204);
  });
};
