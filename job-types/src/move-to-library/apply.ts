import { moveParams } from '@reelay/contracts';
import { findVideoByPath, lockVideo, setVideoPath, trashVideo } from '@reelay/store';
import { type HubJobType, JobRefused } from '../hub-types.ts';
import { moveResult } from './result.ts';

/** Points the video at its new place; the old name of the file goes after the commit. */
export const applyMove: HubJobType['apply'] = async (tx, job, body, files) => {
  const { videoId } = moveParams.parse(job.params);
  const { method } = moveResult.parse(body);
  const [file] = files;
  if (!file) throw new JobRefused('output_missing', 'The node reported no file', true);
  const video = await lockVideo(tx, videoId);
  if (!video) throw new JobRefused('video_not_found', 'The video was removed meanwhile');
  if (video.path === file.path) return { followUps: [], log: [`The video is already at ${file.path}`], removeAfter: [] };
  const actor = `job:${job.id}`;
  const other = await findVideoByPath(tx, file.path);
  if (other) await trashVideo(tx, other.id, file.replacedPath ?? null, actor);
  await setVideoPath(tx, videoId, file.path, file, actor);
  return { followUps: [], log: [`Moved from ${video.path} to ${file.path} (${method})`], removeAfter: [video.path] };
};
