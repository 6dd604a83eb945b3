import { createHash } from 'node:crypto';
import { SESSION_COOKIE } from '@reelay/contracts';
import type { VideoRow } from '@reelay/store';
import { getCookie } from 'hono/cookie';
import type { GatewayDeps } from '../deps.ts';
import { clientAddress } from '../http/client-address.ts';
import type { RequestContext } from '../http/env.ts';
import type { ReadLease } from './read-locks.ts';
import type { ReadKind } from './viewers.ts';

/** Tells viewers apart without keeping who they are: by their sign-in, by the address they were given, else by where they come from and with what. */
export const viewerOf = (c: RequestContext, trustProxy: boolean): string => {
  const signIn = c.req.header('authorization') ?? getCookie(c, SESSION_COOKIE) ?? c.req.param('token');
  const who = signIn ?? `${clientAddress(c, trustProxy)} ${c.req.header('user-agent') ?? ''}`;
  return createHash('sha256').update(who).digest('base64url').slice(0, 16);
};

/** A browser says when it wants a file for a player; anything else fetches it. */
export const fileReadKind = (c: RequestContext): ReadKind => {
  const wantedFor = c.req.header('sec-fetch-dest');
  return wantedFor === 'video' || wantedFor === 'audio' ? 'stream' : 'download';
};

/** Makes the request a reader of the video's file. @throws HttpProblem video_not_found, file_busy; the request's cause */
export const readingVideo = (deps: Pick<GatewayDeps, 'reads' | 'settings'>, c: RequestContext, video: VideoRow, kind: ReadKind): Promise<ReadLease> =>
  deps.reads.read(video, { viewer: viewerOf(c, deps.settings.REELAY_TRUST_PROXY), kind }, c.var.ctx);
