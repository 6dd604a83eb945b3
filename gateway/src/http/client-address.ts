import type { RequestContext } from './env.ts';

/** Address of the client: of the socket, or what a trusted proxy says. Empty when it cannot be known. */
export const clientAddress = (c: RequestContext, trustProxy: boolean): string => {
  const forwarded = c.req.header('x-forwarded-for');
  if (trustProxy && forwarded !== undefined) return forwarded.split(',').at(-1)?.trim() ?? '';
  return c.env?.incoming?.socket.remoteAddress ?? '';
};

/** What tries are counted by: an IPv6 client has a whole /64 to call from. */
export const addressGroup = (address: string): string => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, 4).map((part) => part.replace(/^0+(?=.)/, '')).join(':');
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
