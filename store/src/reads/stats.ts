import type { JobStats, JobStatus } from '@reelay/contracts';
import type { Sql } from '../db.ts';
import type { JobScope } from './jobs.ts';

/** Counts of the queue, VRAM in MB, and the mean seconds from start to completion. */
export const readJobStats = async (sql: Sql, scope: JobScope = {}): Promise<JobStats> => {
  const mine = scope.createdBy === undefined ? sql`true` : sql`created_by = ${scope.createdBy}`;
  const [groups, [vram]] = await Promise.all([
    sql<{ status: JobStatus; type: string; total: number; vram: number; seconds: number }[]>`
      select status, type, count(*)::int as total,
        coalesce(sum(vram_required) filter (where status = 'running' or (status = 'paused' and node_id is not null)), 0)::int as vram,
        coalesce(sum(extract(epoch from completed_at - started_at)) filter (where status = 'completed'), 0)::float8 as seconds
      from jobs where ${mine} group by status, type`,
    sql<{ total: number }[]>`
      select coalesce(sum(d.total_mb), 0)::int as total from devices d join nodes n on n.id = d.node_id where n.health = 'healthy'`,
  ]);
  const counts: Record<JobStatus, number> = { pending: 0, queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0, paused: 0 };
  const jobsByType: Record<string, number> = {};
  for (const group of groups) {
    counts[group.status] += group.total;
    jobsByType[group.type] = (jobsByType[group.type] ?? 0) + group.total;
  }
  const sum = (pick: 'vram' | 'seconds'): number => groups.reduce((total, group) => total + group[pick], 0);
  return {
    ...counts,
    totalVramUsed: sum('vram'),
    totalVramAvailable: vram?.total ?? 0,
    averageProcessingTime: counts.completed === 0 ? 0 : Math.round((sum('seconds') / counts.completed) * 10) / 10,
    jobsByType,
  };
};
