import { isIPv4 } from 'node:net';
import type { RequestContext } from './env.ts';
import { type Sender, senderOf } from './sender.ts';

/** Address of the client: of the socket, or what a trusted proxy says. Empty when it cannot be known. */
export const clientAddress = (sender: Sender, trustProxy: boolean): string => {
  const forwarded = sender.header('x-forwarded-for');
  if (trustProxy && forwarded !== undefined) return forwarded.split(',').at(-1)?.trim() ?? '';
  return sender.remoteAddress;
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

/** Each proxy that is in common use adds one of these, or can be told to. */
const FORWARDING_HEADERS = [
  'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-original-forwarded-for',
];

/**
 * Whether the request comes from this very machine. One that came through a proxy on it does not, unless the proxy is
 * trusted and says that its client is on this machine too. What a client from elsewhere says of itself never counts.
 */
export const isLoopback = (c: RequestContext, trustProxy: boolean): boolean => {
  if (!isLoopbackAddress(c.env?.incoming?.socket.remoteAddress ?? '')) return false;
  if (FORWARDING_HEADERS.every((name) => c.req.header(name) === undefined)) return true;
  return trustProxy && c.req.header('x-forwarded-for') !== undefined && isLoopbackAddress(clientAddress(senderOf(c), true));
};

const isLoopbackAddress = (address: string): boolean => {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
};

/** Whether the browser speaks HTTPS to us or to our proxy. */
export const isSecure = (c: RequestContext, trustProxy: boolean): boolean =>
  c.req.url.startsWith('https:') || (trustProxy && c.req.header('x-forwarded-proto') === 'https');
