import { findVideo, type Sql, type VideoRow } from '@reelay/store';
import type { View, ViewAccess } from '../access/view-access.ts';
import { requireSignIn } from '../auth/sign-in.ts';
import type { RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { uuidOr404 } from '../http/route.ts';
import { senderOf } from '../http/sender.ts';

/** A video to look at: a public one for anybody, any other for whoever is signed in. @throws HttpProblem video_not_found, unauthenticated */
export const viewableVideo = async (sql: Sql, c: RequestContext, offeredId: string): Promise<VideoRow> => {
  const id = uuidOr404(offeredId, 'video_not_found');
  const video = await findVideo(sql, id);
  if (video?.isPublic === true) return video;
  // Asked before the answer, so that nobody learns which ids exist.
  await requireSignIn(sql, c, 'VIEWER');
  if (video === null) throw new HttpProblem('video_not_found', `There is no video ${id}`);
  return video;
};

/** As viewableVideo; also for whoever comes with a signed address. @throws HttpProblem video_not_found, unauthenticated */
export const viewOf = async ({ sql, views }: { sql: Sql; views: ViewAccess }, c: RequestContext, id: string): Promise<View> => {
  if (c.req.param('token') !== undefined) return views.view(senderOf(c), id);
  const video = await viewableVideo(sql, c, id);
  return { video, by: video.isPublic ? 'public' : 'signIn' };
};
