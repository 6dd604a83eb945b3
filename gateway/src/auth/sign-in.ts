import { ROLE_RANK, type Role, SESSION_COOKIE } from '@reelay/contracts';
import { CSRF_HEADER } from '@reelay/contracts';
import { findPrincipal, type JobScope, type Sql } from '@reelay/store';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv, RequestContext, SignIn } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { cookieOf, type Sender, senderOf } from '../http/sender.ts';
import { hashToken } from './tokens.ts';

const BEARER = /^Bearer +([A-Za-z0-9_.~+/=-]{1,512})$/i;

/** The token of the request, of whatever worth. */
export const offeredToken = (sender: Sender): { token: string; via: SignIn['via'] } | null => {
  const header = sender.header('authorization');
  if (header !== undefined) {
    const token = BEARER.exec(header)?.[1];
    return token === undefined ? null : { token, via: 'bearer' };
  }
  const cookie = cookieOf(sender, SESSION_COOKIE);
  return cookie === undefined || cookie === '' ? null : { token: cookie, via: 'cookie' };
};

/** Who sent the request; null without a token or with one that is not good (any more). Asked of the store once per request. */
export const signInOf = (sql: Sql, c: RequestContext): Promise<SignIn | null> => {
  const known = c.get('signIn');
  if (known !== undefined) return known;
  const offered = offeredToken(senderOf(c));
  const found = offered === null
    ? Promise.resolve(null)
    : findPrincipal(sql, hashToken(offered.token)).then((principal) => (principal === null ? null : { principal, via: offered.via }));
  c.set('signIn', found);
  return found;
};

/** @throws HttpProblem unauthenticated (401), csrf_header_missing or forbidden (403) */
export const requireSignIn = async (sql: Sql, c: RequestContext, role: Role): Promise<SignIn> => {
  const signIn = await signInOf(sql, c);
  if (signIn === null) {
    throw new HttpProblem('unauthenticated', 'Sign in, or send a bearer token', { headers: { 'www-authenticate': 'Bearer' } });
  }
  const safe = c.req.method === 'GET' || c.req.method === 'HEAD' || c.req.method === 'OPTIONS';
  if (signIn.via === 'cookie' && !safe && c.req.header(CSRF_HEADER) === undefined) {
    throw new HttpProblem('csrf_header_missing', `A write that is signed in by cookie needs the header ${CSRF_HEADER}`);
  }
  if (ROLE_RANK[signIn.principal.user.role] < ROLE_RANK[role]) {
    throw new HttpProblem('forbidden', `This needs the role ${role}; you have ${signIn.principal.user.role}`);
  }
  return signIn;
};

/** Lets only users of this role, or a higher one, pass. */
export const requireRole = (sql: Sql, role: Role): MiddlewareHandler<AppEnv> =>
  async function requireRole(c, next) {
    await requireSignIn(sql, c, role);
    await next();
  };

/** The signed-in user of a route behind `requireRole`. */
export const userOf = async (c: RequestContext): Promise<SignIn['principal']['user']> => {
  const signIn = await c.get('signIn');
  if (!signIn) throw new HttpProblem('unauthenticated', 'Sign in, or send a bearer token');
  return signIn.principal.user;
};

/** Which jobs a user may see: a SUPER_ADMIN all, anybody else their own. */
export const jobScopeOf = (user: { role: Role; username: string }): JobScope => (user.role === 'SUPER_ADMIN' ? {} : { createdBy: user.username });
