import type { RequestContext } from './env.ts';

/** Address of the client: of the socket, or what a trusted proxy says. Empty when it cannot be known. */
export const clientAddress = (c: RequestContext, trustProxy: boolean): string => {
  const forwarded = c.req.header('x-forwarded-for');
  if (trustProxy && forwarded !== undefined) return forwarded.split(',').at(-1)?.trim() ?? '';
  return c.env?.incoming?.socket.remoteAddress ?? '';
};

/** Whether the request comes from this very machine, not through a proxy on it. */
export const isLoopback = (c: RequestContext): boolean => {
  if (c.req.header('x-forwarded-for') !== undefined || c.req.header('forwarded') !== undefined) return false;
  const address = (c.env?.incoming?.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  return address === '::1' || address.startsWith('127.');
};

/** Whether the browser speaks HTTPS to us or to our proxy. */
export const isSecure = (c: RequestContext, trustProxy: boolean): boolean =>
  c.req.url.startsWith('https:') || (trustProxy && c.req.header('x-forwarded-proto') === 'https');
