import type { MediaInfo } from '@reelay/contracts';
import { reencodeParams } from '@reelay/contracts';
import { findVideo, findVideoByPath, insertVideo, saveProbe, setReencodeJob, setSourceVideo, type Tx, type VideoRow } from '@reelay/store';
import { type Applied, type HubEnvironment, type HubJob, type HubJobType, JobRefused, type PublishedFile } from '../hub-types.ts';
import { titleOf, videoFacts } from '../video-facts.ts';
import { reencodeResult } from './result.ts';

/** Adds the encoded file as a video of its own and notes the job on the original. */
export const applyReencode: HubJobType['apply'] = async (tx, job, body, files, env): Promise<Applied> => {
  const result = reencodeResult.parse(body);
  const params = reencodeParams.parse(job.params);
  const original = await originalOf(tx, params);
  if (result.kind === 'skipped') return { followUps: [], log: [`Nothing to encode: ${result.reason}`], removeAfter: [] };
  const [file] = files;
  if (!file) throw new JobRefused('output_missing', 'The node reported no encoded file', true);
  const video = await addVideo(tx, job, file, original, result.media, env);
  if (original) await setReencodeJob(tx, original.id, job.id, `job:${job.id}`);
  return {
    followUps: [{ type: 'validate', params: { videoId: video.id } }],
    log: [`Encoded with ${result.encoder}; added to the library as ${file.path}`],
    removeAfter: [],
    params: { ...job.params, outputPath: file.path },
  };
};

const originalOf = async (tx: Tx, params: { videoId?: string | undefined; inputPath?: string | undefined }): Promise<VideoRow | null> => {
  if (params.videoId !== undefined) return findVideo(tx, params.videoId);
  return params.inputPath === undefined ? null : findVideoByPath(tx, params.inputPath);
};

const addVideo = async (tx: Tx, job: HubJob, file: PublishedFile, original: VideoRow | null, media: MediaInfo, env: HubEnvironment): Promise<VideoRow> => {
  const actor = `job:${job.id}`;
  const added = await insertVideo(tx, {
    id: env.newId(), title: original?.title ?? titleOf(file.path), path: file.path, sizeBytes: file.sizeBytes, mtimeMs: file.mtimeMs, inode: file.inode,
    sourceVideoId: original?.id ?? null,
  }, actor);
  // The path was free on disk, so a record that has it tells of a file that is gone: this is its file now.
  const video = added ?? (await findVideoByPath(tx, file.path));
  if (!video) throw new JobRefused('video_conflict', `Another video took the path ${file.path}`, true);
  if (!added && original) await setSourceVideo(tx, video.id, original.id);
  return (await saveProbe(tx, video.id, { file, media, facts: videoFacts(media, file.sizeBytes), valid: true, invalidReason: null }, actor)) ?? video;
};
