import { findVideo, type Queryable, type VideoRow } from '@reelay/store';
import { type HubJob, JobRefused } from './hub-types.ts';

/** The job's video. @throws JobRefused when it is gone */
export const requireVideo = async (sql: Queryable, job: HubJob, videoId: string): Promise<VideoRow> => {
  const video = await findVideo(sql, videoId);
  if (!video) throw new JobRefused('video_not_found', `The video ${videoId} is not in the library any more (${job.type})`);
  return video;
};
