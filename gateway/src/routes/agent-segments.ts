import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Piece, tagOfDigest } from '../cache/piece.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { sendFile } from '../http/send-file.ts';
import { PieceRefused } from '../sessions/errors.ts';
import type { Session } from '../sessions/session.ts';

const sessionToken = z.object({ k: z.literal('session'), sessionId: z.uuid(), version: z.string() });
const sourceToken = z.object({ k: z.literal('source'), sessionId: z.uuid(), path: z.string() });
/** Far above what the largest rung's cap allows for a segment. */
const MAX_BYTES = 64 * 1024 ** 2;
const DIGEST = /^sha-256=:([A-Za-z0-9+/]{43}=):$/;

/**
 * Where nodes send what they encode for viewers of this gateway, and read a source that they do not hold. The signed token
 * in the path says which session it is for. What arrives counts only when it is whole and is what it claims to be.
 */
export const agentSegmentRoutes = (app: App, deps: GatewayDeps): void => {
  app.put('/agent/v1/segments/:token/:head/:name{init|[0-9]{1,7}}', async (c) => {
    const { sessionId } = payloadOf(deps, c, sessionToken);
    const session = sessionOr410(deps, sessionId);
    const piece = await wholeBody(c);
    const name = c.req.param('name') ?? '';
    try {
      await session.take(c.req.param('head') ?? '', name === 'init' ? 'init' : Number(name), piece);
    } catch (error) {
      if (error instanceof PieceRefused) throw new HttpProblem('segment_refused', error.message, { cause: error });
      throw error;
    }
    return c.json({ bytes: piece.bytes.length }, 200);
  });

  app.get('/agent/v1/sources/:token', async (c) => {
    const { sessionId, path } = payloadOf(deps, c, sourceToken);
    if (!deps.pipes.hasNodeSession(sessionId)) sessionOr410(deps, sessionId);
    return sendFile(c, { path: await deps.library.resolveExisting(path), contentType: 'application/octet-stream', cacheControl: 'no-store' });
  });
};

/** @throws HttpProblem unauthenticated */
const payloadOf = <T>(deps: GatewayDeps, c: RequestContext, schema: z.ZodType<T>): T => {
  try {
    return schema.parse(deps.keys.verify(c.req.param('token') ?? ''));
  } catch (error) {
    throw new HttpProblem('unauthenticated', 'The signed address is not valid (any more)', { cause: error });
  }
};

const sessionOr410 = (deps: GatewayDeps, sessionId: string): Session => {
  const session = deps.sessions.byNodeSession(sessionId);
  if (session === undefined) throw new HttpProblem('session_gone', 'This gateway has no such session, or not any more');
  return session;
};

/** @throws HttpProblem invalid_request, body_too_large */
const wholeBody = async (c: RequestContext): Promise<Piece> => {
  const length = Number(c.req.header('content-length') ?? Number.NaN);
  if (!Number.isInteger(length) || length <= 0) throw new HttpProblem('invalid_request', 'Content-Length is needed');
  if (length > MAX_BYTES) throw new HttpProblem('body_too_large', `A segment may have ${MAX_BYTES} bytes`);
  const digest = DIGEST.exec(c.req.header('repr-digest') ?? '')?.[1];
  if (digest === undefined) throw new HttpProblem('invalid_request', 'Repr-Digest with sha-256 is needed');
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  c.var.ctx.throwIfCancelled();
  if (bytes.length !== length) throw new HttpProblem('invalid_request', `${bytes.length} bytes came, not ${length}`);
  const found = createHash('sha256').update(bytes).digest();
  if (found.toString('base64') !== digest) throw new HttpProblem('invalid_request', 'The bytes are not those of the digest');
  return { bytes, tag: tagOfDigest(found) };
};
