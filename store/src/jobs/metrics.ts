import type { Queryable } from '../db.ts';

export interface QueueCounts {
  pending: number;
  runningByCategory: Record<string, number>;
  vramUsedMb: number;
  vramTotalMb: number;
  jobsTotal: { type: string; status: string; count: number }[];
}

/** The numbers behind the four metrics of the queue; VRAM of healthy nodes' devices. */
export const readQueueCounts = async (sql: Queryable): Promise<QueueCounts> => {
  const [jobs, vram] = await Promise.all([
    sql<{ type: string; status: string; category: string; count: number }[]>`
      select type, status, resource_category as category, count(*)::int as count from jobs group by 1, 2, 3`,
    sql<{ usedMb: number; totalMb: number }[]>`
      select coalesce(sum(d.booked_mb), 0)::int as used_mb, coalesce(sum(d.total_mb), 0)::int as total_mb
      from devices d join nodes n on n.id = d.node_id where n.health = 'healthy'`,
  ]);
  const runningByCategory: Record<string, number> = { cpu: 0, gpu_encode: 0, gpu_ai: 0 };
  const totals = new Map<string, { type: string; status: string; count: number }>();
  for (const { type, status, category, count } of jobs) {
    if (status === 'running') runningByCategory[category] = (runningByCategory[category] ?? 0) + count;
    const key = `${type} ${status}`;
    totals.set(key, { type, status, count: (totals.get(key)?.count ?? 0) + count });
  }
  return {
    pending: jobs.filter(({ status }) => status === 'pending').reduce((sum, { count }) => sum + count, 0),
    runningByCategory, vramUsedMb: vram[0]?.usedMb ?? 0, vramTotalMb: vram[0]?.totalMb ?? 0, jobsTotal: [...totals.values()],
  };
};
