import { type Playback, VIEW_COOKIE } from '@reelay/contracts';
import type { VideoRow } from '@reelay/store';
import { setCookie } from 'hono/cookie';
import type { GatewayDeps } from '../deps.ts';
import { isSecure } from '../http/client-address.ts';
import type { RequestContext, SignIn } from '../http/env.ts';
import type { UnsignedPlayback } from '../streams/playback.ts';
import { signViewToken, viewTokenEndMs } from './view-token.ts';

/**
 * Adds signed addresses for whoever is signed in, and gives a browser the cookie that opens the segments of this video.
 * Nobody gets either for a public video without signing in: they would outlive its being public.
 */
export const withSignedAddresses = (deps: Pick<GatewayDeps, 'keys' | 'clock' | 'settings'>, c: RequestContext, signIn: SignIn | null, video: VideoRow, playback: UnsignedPlayback): Playback => {
  if (signIn === null || playback.mode === 'none') return { ...playback, signedMasterUrl: null, signedFileUrl: null, signedUntil: null };
  const { keys, clock, settings } = deps;
  const nowMs = clock.now().getTime();
  const untilMs = viewTokenEndMs(nowMs, settings.REELAY_SIGNED_HOURS, video.durationSeconds);
  const { user, tokenId } = signIn.principal;
  const prefix = `/s/${signViewToken(keys, { v: video.id, u: user.id }, untilMs)}`;
  if (signIn.via === 'cookie' && !video.isPublic) {
    setCookie(c, VIEW_COOKIE, signViewToken(keys, { v: video.id, u: user.id, s: tokenId }, untilMs), {
      path: `/stream/${video.id}/`, httpOnly: true, sameSite: 'Lax', secure: isSecure(c, settings.REELAY_TRUST_PROXY), maxAge: Math.round((untilMs - nowMs) / 1000),
    });
  }
  return {
    ...playback, signedUntil: new Date(untilMs).toISOString(),
    signedMasterUrl: playback.masterUrl === null ? null : prefix + playback.masterUrl,
    signedFileUrl: playback.fileUrl === null ? null : prefix + playback.fileUrl,
  };
};
