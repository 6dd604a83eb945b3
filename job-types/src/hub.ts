/** The hub's door: what becomes of a job's parameters before a run, and of its results after it. */
import type { JobType } from '@reelay/contracts';
import { applyOnce, type EffectBatchRef, isUnstorable, type Sql } from '@reelay/store';
import { type HubEnvironment, type HubJobType, JobRefused } from './hub-types.ts';
import { applyMove } from './move-to-library/apply.ts';
import { movedByMove, prepareMove } from './move-to-library/prepare.ts';
import { preparePublicScan } from './public-scan/prepare.ts';
import { applyReencode } from './reencode-streaming/apply.ts';
import { prepareReencode } from './reencode-streaming/prepare.ts';
import { applyScan, scanBatchOf } from './scan/apply.ts';
import { prepareScan } from './scan/prepare.ts';
import { applyThumbnail } from './thumbnail-generate/apply.ts';
import { prepareThumbnail } from './thumbnail-generate/prepare.ts';
import { applyValidate, batchValidate } from './validate/apply.ts';
import { prepareValidate } from './validate/prepare.ts';

export {
  type Applied, type HubEnvironment, type HubJob, type HubJobType, JobRefused, type NewJob, type Prepared, type PublishedFile,
} from './hub-types.ts';
export { clipName, encodedPath, titleOf } from './video-facts.ts';

const HUB_JOB_TYPES: Readonly<Partial<Record<JobType, HubJobType>>> = {
  scan: { prepare: prepareScan, apply: applyScan, batch: scanBatchOf(false) },
  public_scan: { prepare: preparePublicScan, apply: applyScan, batch: scanBatchOf(true) },
  validate: { prepare: prepareValidate, apply: applyValidate, batch: batchValidate },
  reencode_streaming: { prepare: prepareReencode, apply: applyReencode },
  thumbnail_generate: { prepare: prepareThumbnail, apply: applyThumbnail },
  move_to_library: { prepare: prepareMove, apply: applyMove, moves: movedByMove },
};

/** The hub's half of a type. @throws JobRefused `type_unavailable` when this release has none */
export const hubJobType = (type: JobType): HubJobType => {
  const found = HUB_JOB_TYPES[type];
  if (!found) throw new JobRefused('type_unavailable', `The job type ${type} is not in this release`);
  return found;
};

/** Bytes of an effect batch as JSON. */
export const MAX_BATCH_BYTES = 512 * 1024;

/**
 * Applies batch `n` of a running attempt, once; a repeat gets the first answer.
 * @throws StaleAttemptError when the attempt is not the job's current one
 * @throws JobRefused `batch_too_large`, `batch_invalid`, `batch_unstorable`, or what the type refuses
 */
export const applyEffectBatch = async (
  sql: Sql, batch: EffectBatchRef & { body: Record<string, unknown> }, env: HubEnvironment,
): Promise<Record<string, unknown>> => {
  const bytes = Buffer.byteLength(JSON.stringify(batch.body));
  if (bytes > MAX_BATCH_BYTES) throw new JobRefused('batch_too_large', `The batch has ${bytes} bytes, more than the ${MAX_BATCH_BYTES} allowed`);
  return applyOnce(sql, batch, async (tx, job) => {
    const type = hubJobType(job.type);
    if (!type.batch) throw new JobRefused('batch_invalid', `Jobs of type ${job.type} take no batches`);
    return type.batch(tx, job, batch.body, env);
  }).catch((error: unknown) => {
    // The agent repeats what failed for a passing reason; this would fail for ever.
    throw isUnstorable(error) ? new JobRefused('batch_unstorable', `The batch cannot be stored: ${error.message}`) : error;
  });
};
