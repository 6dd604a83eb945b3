import { CATALOGUE, DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY, type JobType, type ResourceCategory } from '@reelay/contracts';
import type { Queryable } from '../db.ts';
import { jsonb } from '../json.ts';
import { requirementClass } from './requirement.ts';
import type { JobRow } from './row.ts';

export interface NewJobRow {
  /** UUID v7. */
  id: string;
  type: JobType;
  /** Have passed the catalogue's schema. */
  params: Record<string, unknown>;
  priority?: number | undefined;
  resourceCategory?: ResourceCategory | undefined;
  vramRequired?: number | undefined;
  maxRetries?: number | undefined;
  labels?: Record<string, string> | undefined;
  createdBy?: string | null | undefined;
  idempotencyKey?: string | null | undefined;
}

const videoIdOf = (params: Record<string, unknown>): string | null => (typeof params.videoId === 'string' ? params.videoId : null);

/** Inserts pending jobs with their audit rows in one statement; what is left out comes from the catalogue. In the order given. */
export const createJobs = async (sql: Queryable, jobs: readonly NewJobRow[], actor: string): Promise<JobRow[]> => {
  if (jobs.length === 0) return [];
  const rows = jobs.map((job) => {
    const { category, vramMb } = CATALOGUE[job.type];
    const resourceCategory = job.resourceCategory ?? category;
    const vramRequired = job.vramRequired ?? vramMb;
    return {
      id: job.id, type: job.type, params: job.params, priority: job.priority ?? DEFAULT_PRIORITY, resourceCategory, vramRequired,
      maxRetries: job.maxRetries ?? DEFAULT_MAX_RETRIES, labels: job.labels ?? {}, createdBy: job.createdBy ?? null,
      idempotencyKey: job.idempotencyKey ?? null, videoId: videoIdOf(job.params),
      requirementClass: requirementClass({ type: job.type, resourceCategory, vramRequired, excludedNodes: [] }),
    };
  });
  const created = await sql<JobRow[]>`
    with created as (
      insert into jobs (id, type, params, priority, resource_category, vram_required, max_retries, labels, created_by, idempotency_key, video_id, requirement_class)
      select id, type, params, priority, "resourceCategory", "vramRequired", "maxRetries", labels, "createdBy", "idempotencyKey", "videoId", "requirementClass"
      from jsonb_to_recordset(${jsonb(sql, rows)}::jsonb) as r(
        id uuid, type text, params jsonb, priority integer, "resourceCategory" text, "vramRequired" integer, "maxRetries" integer,
        labels jsonb, "createdBy" text, "idempotencyKey" text, "videoId" uuid, "requirementClass" text)
      returning *
    ), told as (
      insert into audit (topic, entity_id, event, actor, to_status) select 'jobs', id::text, 'created', ${actor}, status from created
    )
    select * from created`;
  const byId = new Map(created.map((row) => [row.id, row]));
  return jobs.flatMap(({ id }) => byId.get(id) ?? []);
};
