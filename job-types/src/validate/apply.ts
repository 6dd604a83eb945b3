import { mainStream, validateParams } from '@reelay/contracts';
import { dropSubtitles, dropVideoIndex, hasOpenJob, readEffectBlob, saveEffectBlob, saveProbe, saveSubtitles, saveVideoIndex, type Tx } from '@reelay/store';
import { type Applied, type HubJob, type HubJobType, JobRefused, type PublishedFile } from '../hub-types.ts';
import { videoFacts } from '../video-facts.ts';
import { indexPartBatch, SUBTITLES, validateResult, type ValidateResult } from './result.ts';

const INDEX = 'index';
const nothing = (line: string, removeAfter: string[] = []): Applied => ({ followUps: [], log: [line], removeAfter });

/** Writes what was found about the file; the first valid look also orders a thumbnail. */
export const applyValidate: HubJobType['apply'] = async (tx, job, body, files) => {
  const { videoId } = validateParams.parse(job.params);
  const result = validateResult.parse(body);
  const { file, media } = result;
  const video = await saveProbe(tx, videoId, {
    file, media, valid: result.valid, invalidReason: result.valid ? null : result.reason,
    facts: media === null ? null : videoFacts(media, file?.sizeBytes ?? 0),
  }, `job:${job.id}`);
  if (!video) return nothing('The video was removed meanwhile; nothing was stored', files.map(({ path }) => path));
  if (!result.valid) {
    await dropVideoIndex(tx, videoId);
    const old = await dropSubtitles(tx, videoId);
    return nothing(`The video is marked as not valid: ${result.reason}`, old === null ? [] : [old]);
  }
  await storeIndex(tx, job, videoId, result);
  const oldSubtitles = await storeSubtitles(tx, videoId, result, files);
  const wantsThumbnail = video.thumbnailPath === null && mainStream(result.media, 'video') !== undefined && !(await hasOpenJob(tx, videoId, 'thumbnail_generate'));
  return { followUps: wantsThumbnail ? [{ type: 'thumbnail_generate', params: { videoId } }] : [], log: ['The video is valid; its metadata is stored'], removeAfter: oldSubtitles === null ? [] : [oldSubtitles] };
};

const storeIndex = async (tx: Tx, job: HubJob, videoId: string, result: Extract<ValidateResult, { valid: true }>): Promise<void> => {
  if (result.indexParts === 0) return dropVideoIndex(tx, videoId);
  const data = await readEffectBlob(tx, { jobId: job.id, epoch: job.epoch, name: INDEX }, result.indexParts);
  if (!data) throw new JobRefused('index_incomplete', 'Parts of the packet index did not arrive', true);
  await saveVideoIndex(tx, videoId, { data, facts: result.indexFacts, file: result.file });
};

/** Answers the path of the file that held them before. */
const storeSubtitles = (tx: Tx, videoId: string, { subtitles }: Extract<ValidateResult, { valid: true }>, files: readonly PublishedFile[]): Promise<string | null> => {
  const file = files.find(({ name }) => name === SUBTITLES);
  return file === undefined || subtitles.length === 0 ? dropSubtitles(tx, videoId) : saveSubtitles(tx, videoId, { path: file.path, tracks: subtitles });
};

/** Keeps one part of the packet index until the job completes. */
export const batchValidate: NonNullable<HubJobType['batch']> = async (tx, job, body) => {
  const parsed = indexPartBatch.safeParse(body);
  if (!parsed.success) throw new JobRefused('batch_invalid', 'The part of the packet index is not valid');
  const { part, data } = parsed.data;
  await saveEffectBlob(tx, { jobId: job.id, epoch: job.epoch, name: INDEX, part }, Buffer.from(data, 'base64'));
  return { part };
};
