import type { Ctx } from '@reelay/runtime';
import type { View } from '../access/view-access.ts';
import type { GatewayDeps } from '../deps.ts';
import type { Audience } from '../http/send-piece.ts';
import type { Sender } from '../http/sender.ts';
import { viewerOf } from '../locks/reading.ts';
import { streamProblem } from './problem.ts';
import { openSource, type StreamSource, type Viewing } from './source.ts';

export interface StreamRequest {
  readonly sender: Sender;
  readonly ctx: Ctx;
  readonly videoId: string;
  readonly version: string;
}

/**
 * What `make` makes of the stream that is asked for, by somebody who may see it and counts as its viewer meanwhile.
 * @throws HttpProblem unauthenticated, video_not_found, file_busy, version_gone, not_playable and the others of streamProblem
 */
export const ofViewedStream = async <T>(
  deps: GatewayDeps, { sender, ctx, videoId, version }: StreamRequest, make: (source: StreamSource, viewing: Viewing) => T | Promise<T>,
): Promise<{ made: T; audience: Audience }> => {
  const { video: found, by } = await deps.views.view(sender, videoId);
  ctx.throwIfCancelled();
  const viewer = viewerOf(sender, deps.settings.REELAY_TRUST_PROXY);
  const { video, release } = await deps.reads.read(found, { viewer, kind: 'stream' }, ctx);
  let failed = true;
  try {
    const made = await make(await openSource(deps, video, version, ctx), { viewer, ctx });
    failed = false;
    return { made, audience: audienceOf(video, by) };
  } catch (error) {
    throw await streamProblem(deps, video.id, version, error);
  } finally {
    release(failed);
  }
};

/** Whoever has the signed address may watch, on whatever page. */
const audienceOf = ({ isPublic }: { isPublic: boolean }, by: View['by']): Audience => ({ isPublic: isPublic && by !== 'address', anyOrigin: isPublic || by === 'address' });
