import type { JobStatus, JobType } from '@reelay/contracts';
import type { Queryable } from '../db.ts';

export interface JobUsing {
  id: string;
  type: JobType;
  status: JobStatus;
}

/** A job that holds the file right now: placed or running on a node, frozen ones included. */
export const findJobUsing = async (sql: Queryable, video: { id: string; path: string }): Promise<JobUsing | null> => {
  const [row] = await sql<JobUsing[]>`
    select id, type, status from jobs
    where (video_id = ${video.id} or params->>'inputPath' = ${video.path})
      and (status in ('queued', 'running') or (status = 'paused' and node_id is not null))
    order by started_at nulls last limit 1`;
  return row ?? null;
};
