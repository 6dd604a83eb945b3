import { validateParams } from '@reelay/contracts';
import { requireVideo } from '../find-video.ts';
import type { HubJobType } from '../hub-types.ts';
import { clipName, stem } from '../video-facts.ts';
import { SUBTITLES } from './result.ts';
import { findSidecars } from './sidecars.ts';

export const prepareValidate: HubJobType['prepare'] = async (sql, job, env) => {
  const { videoId, deep } = validateParams.parse(job.params);
  const video = await requireVideo(sql, job, videoId);
  const { sidecars, inputs } = await findSidecars(env.libraryRoot, video.path);
  return {
    inputs: [{ name: 'source', path: video.path, videoId: video.id }, ...inputs],
    // Written only when there are any.
    outputs: [{ name: SUBTITLES, path: `thumbnails/${clipName(stem(video.path), 120)}-${job.id.slice(-8)}.subtitles.vtt`, onConflict: 'rename' }],
    mediaSeconds: video.durationSeconds, order: { videoId, deep, sidecars },
  };
};
