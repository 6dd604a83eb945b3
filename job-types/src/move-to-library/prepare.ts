import { moveParams } from '@reelay/contracts';
import { requireVideo } from '../find-video.ts';
import type { HubJobType } from '../hub-types.ts';
import type { MoveOrder } from './result.ts';

export const prepareMove: HubJobType['prepare'] = async (sql, job) => {
  const { videoId, directoryType, onConflict } = moveParams.parse(job.params);
  const video = await requireVideo(sql, job, videoId);
  const to = `library/${directoryType}/${video.filename}`;
  const order: MoveOrder = { videoId, from: video.path, to };
  return {
    inputs: [{ name: 'source', path: video.path, videoId: video.id }],
    outputs: [{ name: 'moved', path: to, onConflict }],
    mediaSeconds: video.durationSeconds,
    order,
  };
};

/** The source's old name goes when its new one is published. */
export const movedByMove: NonNullable<HubJobType['moves']> = (params) => {
  const { videoId, waitSeconds } = moveParams.parse(params);
  return { videoIds: [videoId], waitSeconds };
};
