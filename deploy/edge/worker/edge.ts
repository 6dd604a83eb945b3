import { type Context, Hono } from 'hono';
import { Access, type Shown } from './access.ts';
import { answerWith, problem } from './answer.ts';
import { Gateways } from './gateways.ts';
import { Shelf } from './kept.ts';
import { Pieces, type WaitFor } from './pieces.ts';
import { ViewTokens } from './token.ts';

export interface EdgeOptions {
  /** Origins of the gateways, separated by spaces. */
  gateways: string;
  /** The lines of their secret file; null: every token is left to the gateways. */
  secret: string | null;
  fetch: typeof fetch;
  /** The runtime's cache, where it has one. */
  cache: Cache | null;
  /** Unix time. */
  now: () => number;
  /** Bytes kept in this isolate where there is no cache. */
  memoryBytes?: number | undefined;
}

interface Parts {
  now: () => number;
  gateways: Gateways;
  access: Access;
  pieces: Pieces;
  tokens: ViewTokens | null;
}

/** A signed address may leave out the word. */
const SHORT = /^(\/s\/[^/]+)(\/[0-9a-f-]{36}\/.+)$/i;
const PIECE = /^(?<prefix>\/s\/(?<token>[^/]+))?(?<path>\/stream\/(?<videoId>[0-9a-f-]{36})\/.+)$/i;
const VIEW_COOKIE = /(?:^|;\s*)reelay_view=([^;]+)/;
const SHOWN_HEADERS = ['authorization', 'cookie'];

/** The edge as an application of Web standards alone: the rules of reelay.conf.template, for runtimes without an nginx. */
export const createEdge = (options: EdgeOptions): Hono => {
  const { now } = options;
  const gateways = new Gateways(options.gateways, options.fetch, now);
  const parts: Parts = {
    now, gateways, access: new Access(gateways, now), tokens: options.secret === null ? null : new ViewTokens(options.secret),
    pieces: new Pieces(gateways, new Shelf(options.cache, options.memoryBytes ?? 64_000_000), now),
  };
  const app = new Hono();
  app.all('/stream/*', (c) => piece(parts, c));
  for (const signed of ['/s/:token/stream/*', '/s/:token/:videoId{[0-9a-f-]{36}}/*']) app.all(signed, (c) => piece(parts, c));
  // Each gateway has its own figures.
  app.all('/metrics', () => problem(404, 'not_found', 'Not found', 'Ask a gateway itself'));
  app.all('*', (c) => pass(parts, c, new URL(c.req.url).pathname));
  return app;
};

/** A playlist or segment: from here for everybody who may see the video. */
const piece = async (parts: Parts, c: Context): Promise<Response> => {
  const { tokens, now, access, pieces } = parts;
  const found = PIECE.exec(new URL(c.req.url).pathname.replace(SHORT, '$1/stream$2'))?.groups;
  const { prefix = '', token, path = '', videoId = '' } = found ?? {};
  if (found === undefined || (c.req.method !== 'GET' && c.req.method !== 'HEAD')) return pass(parts, c, videoId);
  if (token !== undefined && tokens !== null && !(await tokens.opens(token, videoId, now()))) {
    return problem(401, 'unauthenticated', 'Not signed in', 'The signed address is not valid (any more)');
  }
  const shown: Shown = { prefix, headers: await credentials(parts, c, videoId) };
  const waitFor = waitingIn(c);
  if (!(await access.may(videoId, shown, waitFor))) return pass(parts, c, videoId);
  const got = await pieces.get(path, videoId, shown, waitFor);
  return got === null ? pass(parts, c, videoId) : answerWith(c.req.raw, got.kept, got.from);
};

/** What the viewer shows. A view cookie that no key of ours signed is not shown to anybody. */
const credentials = async ({ tokens, now }: Parts, c: Context, videoId: string): Promise<Record<string, string>> => {
  const shown: Record<string, string> = {};
  for (const name of SHOWN_HEADERS) {
    const value = c.req.header(name);
    if (value !== undefined) shown[name] = value;
  }
  const view = VIEW_COOKIE.exec(shown['cookie'] ?? '')?.[1];
  if (view !== undefined && tokens !== null && !(await tokens.opens(view, videoId, now()))) shown['cookie'] = (shown['cookie'] ?? '').replace(VIEW_COOKIE, '');
  return shown;
};

/** Everything else, and what is refused: the gateway's word, as it comes. */
const pass = async ({ gateways }: Parts, c: Context, owner: string): Promise<Response> => {
  const { url, method, body, signal } = c.req.raw;
  const { pathname, search } = new URL(url);
  const headers = new Headers(c.req.raw.headers);
  headers.delete('host');
  headers.delete('x-reelay-edge');
  // Some runtimes unpack what they fetch and leave its header; compressing for the client is the runtime's own affair.
  headers.set('accept-encoding', 'identity');
  const init: RequestInit & { duplex: 'half' } = { method, headers, body, duplex: 'half', signal };
  try {
    const answer = await gateways.ask(owner, pathname + search, init);
    return new Response(answer.body, answer);
  } catch {
    return problem(502, 'unavailable', 'Not available', 'No gateway answers at the moment');
  }
};

/** Runtimes end what nobody waits for; where there is no such thing, work goes on by itself. */
const waitingIn = (c: Context): WaitFor => (work) => {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // Not here.
  }
};
