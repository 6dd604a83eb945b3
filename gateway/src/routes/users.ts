import { createUserRequest, updateUserRequest, type User, userSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { deleteUser, inTransaction, insertUser, listUsers, updateUser, type UserChange } from '@reelay/store';
import { z } from 'zod';
import { hashPassword } from '../auth/passwords.ts';
import { requireRole } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { idParam, json, jsonBody, noQuery, problems, uuidOr404 } from '../http/route.ts';

const tags = ['Users'];

const changed = (change: UserChange, id: string): User => {
  if (change.kind === 'not_found') throw new HttpProblem('user_not_found', `There is no user ${id}`);
  if (change.kind === 'last_super_admin') throw new HttpProblem('last_super_admin', 'Make somebody else SUPER_ADMIN first');
  return change.user;
};

export const userRoutes = (app: App, { sql, newId, views }: GatewayDeps): void => {
  const middleware = requireRole(sql, 'SUPER_ADMIN');

  app.openapi(createRoute({
    method: 'get', path: '/api/users', tags, summary: 'List users', middleware, request: { query: noQuery },
    responses: { 200: json(z.object({ data: z.array(userSchema) }), 'All users'), ...problems },
  }), async (c) => c.json({ data: await listUsers(sql) }, 200));

  app.openapi(createRoute({
    method: 'post', path: '/api/users', tags, summary: 'Add a user', middleware, request: { query: noQuery, body: jsonBody(createUserRequest) },
    responses: { 201: json(userSchema, 'Added'), ...problems },
  }), async (c) => {
    const { username, password, role } = c.req.valid('json');
    const user = await insertUser(sql, { id: newId(), username, passwordHash: await hashPassword(password), role });
    if (user === null) throw new HttpProblem('name_taken', `There is a user ${username} already`);
    return c.json(user, 201);
  });

  app.openapi(createRoute({
    method: 'patch', path: '/api/users/{id}', tags, summary: 'Change role or password', middleware,
    description: 'A new password ends all sign-ins of the user.',
    request: { params: idParam, query: noQuery, body: jsonBody(updateUserRequest) },
    responses: { 200: json(userSchema, 'Changed'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'user_not_found');
    const { password, role } = c.req.valid('json');
    const passwordHash = password === undefined ? undefined : await hashPassword(password);
    const user = changed(await inTransaction(sql, (tx) => updateUser(tx, id, { role, passwordHash })), id);
    views.forgetSignIns();
    return c.json(user, 200);
  });

  app.openapi(createRoute({
    method: 'delete', path: '/api/users/{id}', tags, summary: 'Remove a user with all tokens', middleware, request: { params: idParam, query: noQuery },
    responses: { 204: { description: 'Removed' }, ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'user_not_found');
    changed(await inTransaction(sql, (tx) => deleteUser(tx, id)), id);
    views.forgetSignIns();
    return c.body(null, 204);
  });
};
