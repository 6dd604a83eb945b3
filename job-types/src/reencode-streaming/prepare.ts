import { reencodeParams } from '@reelay/contracts';
import { normaliseLibraryPath, PathOutsideLibrary } from '@reelay/runtime';
import { findVideoByPath, findVideoWithMedia, type Queryable, type VideoRow } from '@reelay/store';
import { requireVideo } from '../find-video.ts';
import { type HubJob, type HubJobType, JobRefused } from '../hub-types.ts';
import { encodedPath } from '../video-facts.ts';
import type { ReencodeOrder } from './result.ts';

const inside = (path: string): string => {
  try {
    return normaliseLibraryPath(path);
  } catch (error) {
    if (error instanceof PathOutsideLibrary) throw new JobRefused(error.code, error.message);
    throw error;
  }
};

/** The video by id, else by the path given; a file without a record is encoded too. */
const source = async (sql: Queryable, job: HubJob, params: { videoId?: string | undefined; inputPath?: string | undefined }): Promise<{ path: string; video: VideoRow | null }> => {
  if (params.videoId !== undefined) {
    const video = await requireVideo(sql, job, params.videoId);
    return { path: video.path, video };
  }
  const path = inside(params.inputPath ?? '');
  return { path, video: await findVideoByPath(sql, path) };
};

/** A message has room for one megabyte; what is larger (thousands of chapters) is read anew by the node. */
const MAX_PROBE_BYTES = 256 * 1024;

const earlierProbe = async (sql: Queryable, video: VideoRow | null): Promise<ReencodeOrder['probed']> => {
  if (!video?.valid) return null;
  const media = (await findVideoWithMedia(sql, video.id))?.media;
  return media && Buffer.byteLength(JSON.stringify(media)) <= MAX_PROBE_BYTES ? { media, sizeBytes: video.sizeBytes, mtimeMs: video.mtimeMs } : null;
};

export const prepareReencode: HubJobType['prepare'] = async (sql, job) => {
  const params = reencodeParams.parse(job.params);
  const { path, video } = await source(sql, job, params);
  const outputPath = inside(params.outputPath ?? encodedPath(path));
  const order: ReencodeOrder = {
    videoId: video?.id ?? null, targetBitrate: params.targetBitrate, preset: params.preset, crf: params.crf, skipIfReady: params.skipIfReady,
    durationSeconds: video?.durationSeconds ?? null, probed: await earlierProbe(sql, video),
  };
  return {
    inputs: [{ name: 'source', path, videoId: video?.id }],
    // Always a new file: never the source, never another's output.
    outputs: [{ name: 'encoded', path: outputPath, onConflict: 'rename' }],
    mediaSeconds: video?.durationSeconds ?? null,
    order,
    params: { ...job.params, inputPath: path, outputPath },
  };
};
