import type { JobListQuery, Page } from '@reelay/contracts';
import type { Queryable, Sql } from '../db.ts';
import type { JobRow } from '../jobs/row.ts';
import { likePattern, pagination } from './page.ts';

/** A job's row with what is joined on read; `toJob(view, view)` makes the API's object of it. The log is left out. */
export interface JobView extends JobRow {
  videoTitle: string | null;
  /** Verdict of the last placement pass for the job's class, while it is pending. */
  classReason: string | null;
  /** 1 = next in its category; null when the job is not waiting. */
  queuePosition: number | null;
}

/** `createdBy` limits what the caller may see. */
export interface JobScope {
  createdBy?: string | undefined;
}

const columns = (sql: Queryable) => sql`
  j.id, j.type, j.status, j.params, j.progress, ''::text as log, j.priority, j.waiting_reason, j.resource_category, j.vram_required,
  j.created_at, j.started_at, j.completed_at, j.retry_count, j.max_retries, j.retry_after, j.rev, j.epoch, j.phase, j.status_message,
  j.cancel_requested_at, j.cancel_requested_by, j.lost_count, j.excluded_nodes, j.requirement_class, j.created_by, j.idempotency_key,
  j.labels, j.error_code, j.error_message, j.video_id, j.node_id, j.incarnation, j.device_id, j.lease_until, j.paused_from`;

/** One page of jobs. */
export const listJobs = async (sql: Sql, query: JobListQuery, scope: JobScope = {}): Promise<Page<JobView>> => {
  const where = filters(sql, query, scope);
  const [rows, [count]] = await Promise.all([
    sql<JobView[]>`
      select ${columns(sql)}, v.title as video_title, w.reason as class_reason, null::int as queue_position
      from (select j.* from jobs j where ${where} order by ${ORDERS[query.sort](sql)} limit ${query.limit} offset ${(query.page - 1) * query.limit}) j
      left join videos v on v.id = j.video_id
      left join waiting_verdicts w on w.requirement_class = j.requirement_class and j.status = 'pending'
      order by ${ORDERS[query.sort](sql)}`,
    sql<{ total: number }[]>`select count(*)::int as total from jobs j where ${where}`,
  ]);
  return { data: await withPositions(sql, rows), pagination: pagination(query, count?.total ?? 0) };
};

/** The jobs with these ids, in no order; absent ones are left out. */
export const readJobViews = async (sql: Queryable, ids: readonly string[]): Promise<JobView[]> => {
  if (ids.length === 0) return [];
  const rows = await sql<JobView[]>`
    select ${columns(sql)}, v.title as video_title, w.reason as class_reason, null::int as queue_position
    from jobs j
    left join videos v on v.id = j.video_id
    left join waiting_verdicts w on w.requirement_class = j.requirement_class and j.status = 'pending'
    where j.id = any(${[...ids]}::uuid[])`;
  return withPositions(sql, rows);
};

/** One job; null when there is none or the scope does not show it. */
export const readJobView = async (sql: Queryable, id: string, scope: JobScope = {}): Promise<JobView | null> => {
  const [view] = await readJobViews(sql, [id]);
  if (view === undefined || (scope.createdBy !== undefined && view.createdBy !== scope.createdBy)) return null;
  return view;
};

/** Numbers the pending jobs of the categories on the page: an index-only scan of jobs_waiting, 10 ms for 10,000 jobs. */
const withPositions = async (sql: Queryable, rows: readonly JobView[]): Promise<JobView[]> => {
  const waiting = rows.filter((row) => row.status === 'pending');
  if (waiting.length === 0) return [...rows];
  const categories = [...new Set(waiting.map((row) => row.resourceCategory))];
  const positions = await sql<{ id: string; position: number }[]>`
    select id, position::int as position from (
      select id, row_number() over (partition by resource_category order by priority, created_at, id) as position
      from jobs where status = 'pending' and resource_category = any(${categories})
    ) ranked where id = any(${waiting.map((row) => row.id)}::uuid[])`;
  const byId = new Map(positions.map((row) => [row.id, row.position]));
  return rows.map((row) => ({ ...row, queuePosition: byId.get(row.id) ?? null }));
};

const filters = (sql: Sql, query: JobListQuery, scope: JobScope) => {
  const parts = [sql`true`];
  if (scope.createdBy !== undefined) parts.push(sql`j.created_by = ${scope.createdBy}`);
  if (query.status !== undefined) parts.push(sql`j.status = any(${query.status})`);
  if (query.type !== undefined) parts.push(sql`j.type = any(${query.type})`);
  if (query.resourceCategory !== undefined) parts.push(sql`j.resource_category = ${query.resourceCategory}`);
  if (query.nodeId !== undefined) {
    parts.push(sql`(j.node_id = ${query.nodeId} or exists (select 1 from attempts a where a.job_id = j.id and a.node_id = ${query.nodeId}))`);
  }
  if (query.videoId !== undefined) parts.push(sql`j.video_id = ${query.videoId}`);
  if (query.createdBy !== undefined) parts.push(sql`j.created_by = ${query.createdBy}`);
  if (query.q !== undefined && query.q.trim() !== '') {
    const text = query.q.trim();
    const pattern = likePattern(text);
    parts.push(sql`(j.id::text like ${likePattern(text.toLowerCase(), 'prefix')} or j.type ilike ${pattern} or j.error_message ilike ${pattern}
      or j.params->>'inputPath' ilike ${pattern}
      or j.video_id in (select id from videos where title ilike ${pattern} or path ilike ${pattern}))`);
  }
  return parts.reduce((all, part) => sql`${all} and ${part}`);
};

/** How each sort of the API is said in SQL; ids make the order total. */
const ORDERS = {
  'createdAt': (sql: Sql) => sql`j.created_at, j.id`,
  '-createdAt': (sql: Sql) => sql`j.created_at desc, j.id desc`,
  'priority': (sql: Sql) => sql`j.priority, j.created_at, j.id`,
  '-priority': (sql: Sql) => sql`j.priority desc, j.created_at desc, j.id desc`,
  'startedAt': (sql: Sql) => sql`j.started_at nulls last, j.id`,
  '-startedAt': (sql: Sql) => sql`j.started_at desc nulls last, j.id desc`,
  'completedAt': (sql: Sql) => sql`j.completed_at nulls last, j.id`,
  '-completedAt': (sql: Sql) => sql`j.completed_at desc nulls last, j.id desc`,
  'status': (sql: Sql) => sql`j.status, j.created_at desc, j.id desc`,
  'type': (sql: Sql) => sql`j.type, j.created_at desc, j.id desc`,
} as const satisfies Record<JobListQuery['sort'], unknown>;
