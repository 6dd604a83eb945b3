import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../http/env.ts';

/** Everything comes from here; media and pictures may also be made by the page itself (blob:). No inline code. */
const POLICY = [
  "default-src 'self'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:", "media-src 'self' blob:", "worker-src 'self' blob:",
  "connect-src 'self'", "font-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
].join('; ');

export const SECURITY_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ['content-security-policy', POLICY], ['x-content-type-options', 'nosniff'], ['referrer-policy', 'same-origin'], ['x-frame-options', 'DENY'],
  ['cross-origin-opener-policy', 'same-origin'],
];

/** Headers that keep a browser from doing what no page of ours needs. */
export const securityHeaders: MiddlewareHandler<AppEnv> = async function securityHeaders(c, next) {
  await next();
  const { headers } = c.res;
  // What the API says is for whoever asked, signed in by a header or cookie that caches need not look at.
  if (c.req.path.startsWith('/api/') && !headers.has('cache-control')) headers.set('cache-control', 'private, no-store');
  for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
  if (!headers.has('cross-origin-resource-policy')) headers.set('cross-origin-resource-policy', 'same-origin');
};
