import type { ResourceCategory } from '@reelay/contracts';
import type { Tx } from '../db.ts';

export type AttemptOutcome = 'completed' | 'failed' | 'cancelled' | 'lost' | 'released' | 'refused';

interface Booked {
  nodeId: string;
  deviceId: string;
  category: ResourceCategory;
  vramMb: number;
}

/** The counter of placed jobs in `nodes` for a category. */
export const SLOT_COLUMN = { cpu: 'slots_cpu', gpu_encode: 'slots_gpu_encode', gpu_ai: 'slots_gpu_ai' } as const satisfies Record<ResourceCategory, string>;

/**
 * Ends an attempt and gives its slot and VRAM back, once. Call it with the job's row locked: rows are locked in the
 * order job, attempt, node, device everywhere.
 */
export const endAttempt = async (
  tx: Tx, jobId: string, epoch: number, outcome: AttemptOutcome, error: { code: string; message: string } | null = null,
): Promise<void> => {
  const [booked] = await tx<Booked[]>`
    update attempts set ended_at = now(), released_at = now(), outcome = ${outcome},
      error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null}, work_order = null
    where job_id = ${jobId} and epoch = ${epoch} and released_at is null
    returning node_id, device_id, category, vram_mb`;
  if (!booked) return;
  await tx`delete from effect_batches where job_id = ${jobId} and epoch = ${epoch}`;
  await tx`delete from effect_blobs where job_id = ${jobId} and epoch = ${epoch}`;
  const slots = tx(SLOT_COLUMN[booked.category]);
  await tx`update nodes set ${slots} = greatest(${slots} - 1, 0), rev = rev + 1 where id = ${booked.nodeId}`;
  await tx`
    update devices set booked_mb = greatest(booked_mb - ${booked.vramMb}, 0)
    where node_id = ${booked.nodeId} and id = ${booked.deviceId}`;
};
