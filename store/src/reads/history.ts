import type { Attempt, AuditEntry } from '@reelay/contracts';
import type { Queryable } from '../db.ts';

/** Attempts of a job, newest first. */
export const readAttempts = async (sql: Queryable, jobId: string): Promise<Attempt[]> => {
  const rows = await sql<{
    epoch: number; nodeId: string; deviceId: string; placedAt: Date; startedAt: Date | null; endedAt: Date | null;
    outcome: string | null; errorCode: string | null; errorMessage: string | null;
  }[]>`
    select epoch, node_id, device_id, placed_at, started_at, ended_at, outcome, error_code, error_message
    from attempts where job_id = ${jobId} order by epoch desc`;
  return rows.map(({ placedAt, startedAt, endedAt, epoch, nodeId, deviceId, outcome, errorCode, errorMessage }) => ({
    epoch, nodeId, deviceId, outcome, errorCode, errorMessage,
    placedAt: placedAt.toISOString(), startedAt: startedAt?.toISOString() ?? null, endedAt: endedAt?.toISOString() ?? null,
  }));
};

/** What happened to a job, oldest first; at most the last 1,000 entries. */
export const readAudit = async (sql: Queryable, jobId: string): Promise<AuditEntry[]> => {
  const rows = await sql<{
    id: number; at: Date; event: string; fromStatus: string | null; toStatus: string | null; actor: string; epoch: number | null; detail: string | null;
  }[]>`
    select * from (
      select id, at, event, from_status, to_status, actor, epoch, detail from audit
      where topic = 'jobs' and entity_id = ${jobId} order by id desc limit 1000
    ) recent order by id`;
  return rows.map((row) => ({
    id: String(row.id), at: row.at.toISOString(), event: row.event, from: row.fromStatus, to: row.toStatus, actor: row.actor, epoch: row.epoch, detail: row.detail,
  }));
};
