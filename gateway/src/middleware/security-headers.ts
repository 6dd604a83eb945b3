import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../http/env.ts';

/** Everything comes from here; media and pictures may also be made by the page itself (blob:). No inline code. */
const POLICY = [
  "default-src 'self'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:", "media-src 'self' blob:", "worker-src 'self' blob:",
  "connect-src 'self'", "font-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
].join('; ');

/** Headers that keep a browser from doing what no page of ours needs. */
export const securityHeaders: MiddlewareHandler<AppEnv> = async function securityHeaders(c, next) {
  await next();
  const { headers } = c.res;
  // What the API says is for whoever asked, signed in by a header or cookie that caches need not look at.
  if (c.req.path.startsWith('/api/') && !headers.has('cache-control')) headers.set('cache-control', 'private, no-store');
  headers.set('content-security-policy', POLICY);
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'same-origin');
  headers.set('x-frame-options', 'DENY');
  headers.set('cross-origin-opener-policy', 'same-origin');
  if (!headers.has('cross-origin-resource-policy')) headers.set('cross-origin-resource-policy', 'same-origin');
};
