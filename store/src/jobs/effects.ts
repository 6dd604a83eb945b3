import { inTransaction, type Sql, type Tx } from '../db.ts';
import { jsonb } from '../json.ts';
import type { JobRow } from './row.ts';
import { lockJob } from './transition.ts';

export interface EffectBatchRef {
  jobId: string;
  epoch: number;
  n: number;
}

/** The attempt is not the job's current one: nothing was applied. */
export class StaleAttemptError extends Error {
  readonly code = 'stale_attempt';
  constructor(readonly jobId: string, readonly epoch: number) {
    super(`attempt ${epoch} of job ${jobId} is not current`);
    this.name = 'StaleAttemptError';
  }
}

/**
 * Applies batch `n` of an attempt once; a repeat gets the first answer.
 * @throws StaleAttemptError
 */
export const applyOnce = (
  sql: Sql, ref: EffectBatchRef, apply: (tx: Tx, job: JobRow) => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> =>
  inTransaction(sql, async (tx) => {
    const job = await lockJob(tx, ref.jobId);
    if (!job || job.epoch !== ref.epoch || job.nodeId === null || (job.status !== 'running' && job.status !== 'paused')) {
      throw new StaleAttemptError(ref.jobId, ref.epoch);
    }
    const [before] = await tx<{ reply: Record<string, unknown> }[]>`
      select reply from effect_batches where job_id = ${ref.jobId} and epoch = ${ref.epoch} and n = ${ref.n}`;
    if (before) return before.reply;
    const reply = await apply(tx, job);
    await tx`insert into effect_batches (job_id, epoch, n, reply) values (${ref.jobId}, ${ref.epoch}, ${ref.n}, ${jsonb(tx, reply)})`;
    return reply;
  });

/** Keeps one part of a large result until the attempt completes. */
export const saveEffectBlob = async (tx: Tx, at: { jobId: string; epoch: number; name: string; part: number }, data: Uint8Array): Promise<void> => {
  await tx`
    insert into effect_blobs (job_id, epoch, name, part, data) values (${at.jobId}, ${at.epoch}, ${at.name}, ${at.part}, ${data})
    on conflict (job_id, epoch, name, part) do update set data = excluded.data`;
};

/** The joined parts of a large result, or null unless exactly `parts` have arrived. */
export const readEffectBlob = async (tx: Tx, at: { jobId: string; epoch: number; name: string }, parts: number): Promise<Uint8Array | null> => {
  const rows = await tx<{ data: Buffer; part: number }[]>`
    select part, data from effect_blobs where job_id = ${at.jobId} and epoch = ${at.epoch} and name = ${at.name} order by part`;
  return rows.length === parts && rows.every(({ part }, index) => part === index) ? Buffer.concat(rows.map(({ data }) => data)) : null;
};
