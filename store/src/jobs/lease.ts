import type { AttemptRef } from '@reelay/contracts';
import type { Queryable } from '../db.ts';
import { jsonb } from '../json.ts';

export interface Renewal {
  renewed: AttemptRef[];
  /** Those of the renewed that are paused. */
  frozen: AttemptRef[];
  kill: (AttemptRef & { reason: 'cancelled' | 'stale' | 'released'; why?: 'drain' })[];
}

interface Row extends AttemptRef {
  renewed: boolean;
  cancelled: boolean;
  frozen: boolean;
  released: boolean;
  drained: boolean;
}

/**
 * Renews, in one statement, the leases of what a node says it works on. What matches no current attempt of this node
 * and incarnation comes back to be ended, and so does what a cancel waits for, or what runs past the deadline of the
 * node's drain (which are renewed as well, until they end).
 */
export const renewLeases = async (
  sql: Queryable, claim: { nodeId: string; incarnation: string; running: readonly AttemptRef[] }, leaseMs: number,
): Promise<Renewal> => {
  if (claim.running.length === 0) return { renewed: [], frozen: [], kill: [] };
  const rows = await sql<Row[]>`
    with told as (
      select distinct "jobId" as job_id, epoch from jsonb_to_recordset(${jsonb(sql, claim.running)}::jsonb) as t("jobId" uuid, epoch integer)
    ), locked as (
      select j.id from jobs j join told t on t.job_id = j.id and t.epoch = j.epoch
      where j.node_id = ${claim.nodeId} and j.incarnation = ${claim.incarnation} and j.status in ('queued', 'running', 'paused')
      order by j.id for no key update of j
    ), renewed as (
      update jobs j set lease_until = now() + ${leaseMs} * interval '1 millisecond'
      from locked where j.id = locked.id returning j.id, j.cancel_requested_at, j.status
    )
    select t.job_id, t.epoch, r.id is not null as renewed, coalesce(r.status = 'paused', false) as frozen,
      coalesce(r.cancel_requested_at is not null, false) or (j.epoch = t.epoch and j.status = 'cancelled') as cancelled,
      coalesce(j.epoch = t.epoch and j.status = 'paused' and j.node_id is null, false) as released,
      r.id is not null and exists (
        select 1 from nodes n where n.id = ${claim.nodeId} and n.admin_state = 'draining' and n.drain_deadline <= now()) as drained
    from told t left join renewed r on r.id = t.job_id left join jobs j on j.id = t.job_id`;
  return {
    renewed: rows.filter(({ renewed }) => renewed).map(({ jobId, epoch }) => ({ jobId, epoch })),
    frozen: rows.filter(({ frozen }) => frozen).map(({ jobId, epoch }) => ({ jobId, epoch })),
    kill: rows.filter(({ renewed, cancelled, drained }) => !renewed || cancelled || drained).map(({ jobId, epoch, cancelled, released, drained }) => {
      if (cancelled) return { jobId, epoch, reason: 'cancelled' };
      if (drained) return { jobId, epoch, reason: 'released', why: 'drain' };
      return { jobId, epoch, reason: released ? 'released' : 'stale' };
    }),
  };
};
