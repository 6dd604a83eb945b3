import { hash } from 'node:crypto';
import { SESSION_COOKIE } from '@reelay/contracts';
import type { VideoRow } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import { clientAddress } from '../http/client-address.ts';
import type { RequestContext } from '../http/env.ts';
import { cookieOf, type Sender, senderOf } from '../http/sender.ts';
import type { ReadLease } from './read-locks.ts';
import type { ReadKind } from './viewers.ts';

/** Tells viewers apart without keeping who they are: by their sign-in, by the address they were given, else by where they come from and with what. */
export const viewerOf = (sender: Sender, trustProxy: boolean): string => {
  const signIn = sender.header('authorization') ?? cookieOf(sender, SESSION_COOKIE) ?? sender.signed;
  const who = signIn ?? `${clientAddress(sender, trustProxy)} ${sender.header('user-agent') ?? ''}`;
  return hash('sha256', who, 'base64url').slice(0, 16);
};

/** A browser says when it wants a file for a player; anything else fetches it. */
export const fileReadKind = (c: RequestContext): ReadKind => {
  const wantedFor = c.req.header('sec-fetch-dest');
  return wantedFor === 'video' || wantedFor === 'audio' ? 'stream' : 'download';
};

/** Makes the request a reader of the video's file. @throws HttpProblem video_not_found, file_busy; the request's cause */
export const readingVideo = (deps: Pick<GatewayDeps, 'reads' | 'settings'>, c: RequestContext, video: VideoRow, kind: ReadKind): Promise<ReadLease> =>
  deps.reads.read(video, { viewer: viewerOf(senderOf(c), deps.settings.REELAY_TRUST_PROXY), kind }, c.var.ctx);
