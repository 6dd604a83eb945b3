import { loginRequest, loginResponse, SESSION_COOKIE, userSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { deleteToken, findUserByName, insertToken } from '@reelay/store';
import { deleteCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { verifyNobody, verifyPassword } from '../auth/passwords.ts';
import { requireRole, signInOf, userOf } from '../auth/sign-in.ts';
import { TokenBuckets } from '../auth/token-bucket.ts';
import { hashToken, newToken } from '../auth/tokens.ts';
import type { GatewayDeps } from '../deps.ts';
import { addressGroup, clientAddress, isSecure } from '../http/client-address.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { senderOf } from '../http/sender.ts';
import { json, jsonBody, problems } from '../http/route.ts';

const tags = ['Sign-in'];
const login = createRoute({
  method: 'post', path: '/api/auth/login', tags, summary: 'Sign in',
  description: 'Answers a bearer token and sets the same as an HttpOnly cookie. Writes by cookie need the header x-reelay-csrf.',
  request: { body: jsonBody(loginRequest) },
  responses: { 200: json(loginResponse, 'Signed in'), ...problems },
});
const logout = createRoute({
  method: 'post', path: '/api/auth/logout', tags, summary: 'Sign out: the token is good no longer',
  responses: { 204: { description: 'Signed out' }, ...problems },
});

export const authRoutes = (app: App, deps: GatewayDeps): void => {
  const { sql, settings, clock } = deps;
  const perUser = new TokenBuckets({ capacity: 10, refillMs: 10_000, maxKeys: 20_000 });
  const perAddress = new TokenBuckets({ capacity: 60, refillMs: 1_000, maxKeys: 20_000 });

  app.openapi(login, async (c) => {
    const { username, password } = c.req.valid('json');
    const address = addressGroup(clientAddress(senderOf(c), settings.REELAY_TRUST_PROXY));
    const userKey = `${address}|${username.toLowerCase()}`;
    const waitMs = Math.max(perAddress.take(address, clock.monotonicMs()), perUser.take(userKey, clock.monotonicMs()));
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      throw new HttpProblem('rate_limited', `Too many tries; wait ${seconds} s`, { headers: { 'retry-after': String(seconds) } });
    }
    const found = await findUserByName(sql, username);
    const good = found === null ? await verifyNobody(password) : await verifyPassword(password, found.passwordHash);
    if (found === null || !good) throw new HttpProblem('bad_credentials', 'Wrong user name or password');
    perUser.refund(userKey, clock.monotonicMs());
    perAddress.refund(address, clock.monotonicMs());

    const token = newToken('session');
    const lifeSeconds = Math.round(settings.REELAY_SESSION_DAYS * 86_400);
    const stored = await insertToken(sql, { id: deps.newId(), userId: found.user.id, kind: 'session', name: '', tokenHash: hashToken(token), lifeSeconds });
    setCookie(c, SESSION_COOKIE, token, {
      httpOnly: true, sameSite: 'Lax', path: '/', maxAge: lifeSeconds, secure: isSecure(c, settings.REELAY_TRUST_PROXY),
    });
    c.header('cache-control', 'no-store');
    return c.json({ token, user: found.user, expiresAt: stored.expiresAt ?? clock.now().toISOString() }, 200);
  });

  app.openapi({ ...logout, middleware: requireRole(sql, 'VIEWER') }, async (c) => {
    const signIn = await signInOf(sql, c);
    if (signIn !== null) await deleteToken(sql, signIn.principal.tokenId, signIn.principal.user.id);
    deps.views.forgetSignIns();
    deleteCookie(c, SESSION_COOKIE, { path: '/' });
    return c.body(null, 204);
  });

  app.openapi(createRoute({
    method: 'get', path: '/api/auth/me', tags, summary: 'Who is signed in', middleware: requireRole(sql, 'VIEWER'),
    request: { query: z.strictObject({}) },
    responses: { 200: json(userSchema, 'The user'), ...problems },
  }), async (c) => c.json(await userOf(c), 200));
};
