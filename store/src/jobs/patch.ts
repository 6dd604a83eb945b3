import { isFinal } from '@reelay/contracts';
import { appendAudit } from '../audit/append.ts';
import { inTransaction, type Sql } from '../db.ts';
import { jsonb } from '../json.ts';
import type { JobRow } from './row.ts';
import { lockJob } from './transition.ts';

export type PatchResult = { kind: 'patched'; job: JobRow } | { kind: 'refused'; job: JobRow } | { kind: 'not_found' };

/** Changes priority or labels; the priority of a finished job is refused. */
export const patchJob = (
  sql: Sql, id: string, patch: { priority?: number | undefined; labels?: Record<string, string> | undefined }, actor: string,
): Promise<PatchResult> =>
  inTransaction(sql, async (tx): Promise<PatchResult> => {
    const job = await lockJob(tx, id);
    if (!job) return { kind: 'not_found' };
    if (patch.priority !== undefined && isFinal(job.status)) return { kind: 'refused', job };
    const [row] = await tx<JobRow[]>`
      update jobs set priority = ${patch.priority ?? job.priority}, labels = ${jsonb(tx, patch.labels ?? job.labels)}, rev = rev + 1
      where id = ${id} returning *`;
    await appendAudit(tx, {
      topic: 'jobs', entityId: id, event: 'changed', actor, fromStatus: job.status, toStatus: job.status,
      detail: patch.priority === undefined ? 'labels' : `priority ${job.priority} → ${patch.priority}`,
    });
    return { kind: 'patched', job: row ?? job };
  });
