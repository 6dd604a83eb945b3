import { thumbnailParams } from '@reelay/contracts';
import { requireVideo } from '../find-video.ts';
import type { HubJobType } from '../hub-types.ts';
import { clipName, stem } from '../video-facts.ts';
import { STORYBOARD, type ThumbnailOrder } from './result.ts';
import { planStoryboard } from './storyboard-plan.ts';

/** Where in the video the picture is taken when nobody says: past titles and black. */
const DEFAULT_POSITION = 0.25;

/** Each picture gets a name of its own, so that one that browsers have cached is never changed under them. */
export const prepareThumbnail: HubJobType['prepare'] = async (sql, job) => {
  const { videoId, timestamp, width } = thumbnailParams.parse(job.params);
  const video = await requireVideo(sql, job, videoId);
  const timestampSeconds = timestamp ?? (video.durationSeconds ?? 0) * DEFAULT_POSITION;
  const order: ThumbnailOrder = { videoId, timestampSeconds, width, storyboard: planStoryboard(video.durationSeconds) };
  const name = `thumbnails/${clipName(stem(video.path), 120)}-${job.id.slice(-8)}`;
  return {
    inputs: [{ name: 'source', path: video.path, videoId: video.id }],
    outputs: [
      { name: 'thumbnail', path: `${name}.jpg`, onConflict: 'rename' },
      { name: STORYBOARD, path: `${name}.storyboard.mjpeg`, onConflict: 'rename' },
    ],
    // One picture, wherever it is; the storyboard has a limit of its own.
    mediaSeconds: 0,
    order,
  };
};
