import type { Progress } from '@reelay/contracts';
import type { Queryable } from '../db.ts';

/** Writes a checkpoint of progress; false when the attempt is not the job's any more. Progress never goes back within an attempt. */
export const saveProgress = async (sql: Queryable, nodeId: string, progress: Pick<Progress, 'jobId' | 'epoch' | 'percent' | 'phase' | 'message'>): Promise<boolean> => {
  const rows = await sql`
    update jobs set progress = greatest(progress, ${Math.floor(progress.percent)}::int), phase = ${progress.phase}, status_message = ${progress.message}, rev = rev + 1
    where id = ${progress.jobId} and epoch = ${progress.epoch} and node_id = ${nodeId} and status = 'running' returning 1`;
  return rows.length === 1;
};
