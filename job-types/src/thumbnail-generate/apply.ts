import { thumbnailParams } from '@reelay/contracts';
import { setThumbnail } from '@reelay/store';
import { type HubJobType, JobRefused } from '../hub-types.ts';
import { thumbnailResult } from './result.ts';

/** Sets the video's picture and drops the file of the one before. */
export const applyThumbnail: HubJobType['apply'] = async (tx, job, body, files) => {
  const { videoId } = thumbnailParams.parse(job.params);
  const size = thumbnailResult.parse(body);
  const [file] = files;
  if (!file) throw new JobRefused('output_missing', 'The node reported no picture', true);
  const set = await setThumbnail(tx, videoId, file.path, `job:${job.id}`);
  if (!set) return { followUps: [], log: ['The video was removed meanwhile; the picture was dropped'], removeAfter: [file.path] };
  const old = set.before !== null && set.before !== file.path && set.before.startsWith('thumbnails/') ? [set.before] : [];
  return { followUps: [], log: [`Thumbnail stored: ${file.path}, ${size.width} × ${size.height}, ${file.sizeBytes} bytes`], removeAfter: old };
};
