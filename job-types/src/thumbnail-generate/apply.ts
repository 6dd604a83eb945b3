import { thumbnailParams } from '@reelay/contracts';
import { saveStoryboard, setThumbnail } from '@reelay/store';
import { type HubJobType, JobRefused } from '../hub-types.ts';
import { STORYBOARD, thumbnailResult } from './result.ts';

/** Sets the video's picture and its storyboard, and drops the files of those before. */
export const applyThumbnail: HubJobType['apply'] = async (tx, job, body, files) => {
  const { videoId } = thumbnailParams.parse(job.params);
  const size = thumbnailResult.parse(body);
  const file = files.find(({ name }) => name !== STORYBOARD);
  if (!file) throw new JobRefused('output_missing', 'The node reported no picture', true);
  const set = await setThumbnail(tx, videoId, file.path, `job:${job.id}`);
  if (!set) return { followUps: [], log: ['The video was removed meanwhile; the picture was dropped'], removeAfter: files.map(({ path }) => path) };
  const old = set.before !== null && set.before !== file.path && set.before.startsWith('thumbnails/') ? [set.before] : [];
  const sheets = files.find(({ name }) => name === STORYBOARD);
  const oldSheets = sheets && size.storyboard ? await saveStoryboard(tx, videoId, { path: sheets.path, board: size.storyboard }) : null;
  if (oldSheets !== null) old.push(oldSheets);
  return { followUps: [], log: [`Thumbnail stored: ${file.path}, ${size.width} × ${size.height}, ${file.sizeBytes} bytes`], removeAfter: old };
};
