import { createJobs, findVideoByPath, insertVideo, saveProbe, type Tx, unknownPaths, updateVideo } from '@reelay/store';
import type { z } from 'zod';
import { type HubEnvironment, type HubJob, type HubJobType, JobRefused } from '../hub-types.ts';
import { titleOf, videoFacts } from '../video-facts.ts';
import { scanBatch, type probedBatch, scanResult } from './result.ts';

/** After what people ask for: a scan may find thousands. */
const VALIDATE_PRIORITY = 7;
type Probed = z.infer<typeof probedBatch>['files'][number];

/** Videos were added batch by batch; what is left is the summary. */
export const applyScan: HubJobType['apply'] = async (_tx, _job, body) => {
  const { found, known, created, updated, invalid } = scanResult.parse(body);
  return { followUps: [], log: [`Scan finished: ${found} files, ${known} known, ${created} added, ${updated} refreshed, ${invalid} not usable`], removeAfter: [] };
};

/** Answers which files are not known, or adds the probed ones. */
export const scanBatchOf = (isPublic: boolean): NonNullable<HubJobType['batch']> => async (tx, job, body, env) => {
  const parsed = scanBatch.safeParse(body);
  if (!parsed.success) throw new JobRefused('batch_invalid', 'The batch of a scan is not valid');
  const batch = parsed.data;
  if (batch.kind === 'listing') return { unknown: await unknownPaths(tx, batch.files.map(({ path }) => path)) };
  const reply = { created: 0, updated: 0 };
  // In the order of paths, so that two scans of one folder never wait for each other in a circle.
  for (const file of batch.files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) reply[await addOne(tx, job, file, isPublic, env)] += 1;
  return reply;
};

const addOne = async (tx: Tx, job: HubJob, file: Probed, isPublic: boolean, env: HubEnvironment): Promise<'created' | 'updated'> => {
  const actor = `job:${job.id}`;
  const added = await insertVideo(tx, { id: env.newId(), title: titleOf(file.path), isPublic, ...file }, actor);
  const video = added ?? (await findVideoByPath(tx, file.path));
  if (!video) throw new JobRefused('video_conflict', `The video at ${file.path} was removed meanwhile`, true);
  const valid = file.media !== null && file.invalidReason === null;
  await saveProbe(tx, video.id, {
    file, media: file.media, facts: file.media === null ? null : videoFacts(file.media, file.sizeBytes), valid,
    invalidReason: valid ? null : (file.invalidReason ?? 'The file cannot be read as media'),
  }, actor);
  if (!added && isPublic && !video.isPublic) await updateVideo(tx, video.id, { isPublic: true }, actor);
  if (added && valid) {
    await createJobs(tx, [{ id: env.newId(), type: 'validate', params: { videoId: video.id, deep: false }, priority: VALIDATE_PRIORITY, createdBy: job.createdBy }], actor);
  }
  return added ? 'created' : 'updated';
};
