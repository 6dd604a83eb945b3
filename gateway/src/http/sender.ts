import type { IncomingMessage } from 'node:http';
import { parse } from 'hono/utils/cookie';
import type { RequestContext } from './env.ts';

/** What a request says of who sends it, whichever way it came in. */
export interface Sender {
  /** By its name in small letters. */
  readonly header: (name: string) => string | undefined;
  /** The token in front of a signed address. */
  readonly signed: string | undefined;
  /** Of the socket; empty when there is none. */
  readonly remoteAddress: string;
}

export const senderOf = (c: RequestContext): Sender => ({
  header: (name) => c.req.header(name), signed: c.req.param('token'), remoteAddress: c.env?.incoming?.socket.remoteAddress ?? '',
});

export const senderOfIncoming = ({ headers, socket }: IncomingMessage, signed: string | undefined): Sender => ({
  header: (name) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  },
  signed, remoteAddress: socket.remoteAddress ?? '',
});

export const cookieOf = (sender: Sender, name: string): string | undefined => {
  const cookies = sender.header('cookie');
  return cookies === undefined ? undefined : parse(cookies, name)[name];
};
