import type { Queryable, Sql } from '../db.ts';
import { unplaceAttempt } from '../jobs/events/unplace.ts';
import type { JobRow } from '../jobs/row.ts';

/** Takes jobs that a draining node has not started back, so that others can have them. Returns them. */
export const unplaceDraining = async (sql: Sql): Promise<JobRow[]> => {
  const queued = await sql<{ id: string; epoch: number }[]>`
    select j.id, j.epoch from jobs j join nodes n on n.id = j.node_id
    where j.status = 'queued' and n.admin_state = 'draining' order by j.id`;
  const taken: JobRow[] = [];
  for (const { id, epoch } of queued) {
    const job = await unplaceAttempt(sql, id, epoch, { code: 'draining', message: 'the node is drained' });
    if (job) taken.push(job);
  }
  return taken;
};

/** Milliseconds until the deadline of the node's drain, 0 when it is over; null without one. */
export const drainMsLeft = async (sql: Queryable, nodeId: string): Promise<number | null> => {
  const [row] = await sql<{ leftMs: number | null }[]>`
    select ceil(greatest(0, extract(epoch from drain_deadline - now()) * 1000))::float8 as left_ms
    from nodes where id = ${nodeId} and admin_state = 'draining' and drain_deadline is not null`;
  return row?.leftMs ?? null;
};
