import { validateParams } from '@reelay/contracts';
import { requireVideo } from '../find-video.ts';
import type { HubJobType } from '../hub-types.ts';

export const prepareValidate: HubJobType['prepare'] = async (sql, job) => {
  const { videoId, deep } = validateParams.parse(job.params);
  const video = await requireVideo(sql, job, videoId);
  return {
    inputs: [{ name: 'source', path: video.path, videoId: video.id }], outputs: [], mediaSeconds: video.durationSeconds, order: { videoId, deep },
  };
};
