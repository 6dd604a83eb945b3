import type { Page, Video, VideoListQuery } from '@reelay/contracts';
import type { Sql } from '../db.ts';
import { likePattern, pagination } from '../reads/page.ts';
import { toVideo, type VideoRow, videoColumns } from './row.ts';

/** One page of the library. */
export const listVideos = async (sql: Sql, query: VideoListQuery): Promise<Page<Video>> => {
  const where = filters(sql, query);
  const [rows, [count]] = await Promise.all([
    sql<VideoRow[]>`
      select ${videoColumns(sql)} from videos v where ${where} order by ${ORDERS[query.sort](sql)}
      limit ${query.limit} offset ${(query.page - 1) * query.limit}`,
    sql<{ total: number }[]>`select count(*)::int as total from videos v where ${where}`,
  ]);
  return { data: rows.map(toVideo), pagination: pagination(query, count?.total ?? 0) };
};

const filters = (sql: Sql, query: VideoListQuery) => {
  const parts = [sql`v.deleted_at is null`];
  if (query.q !== undefined && query.q.trim() !== '') {
    const pattern = likePattern(query.q.trim());
    parts.push(sql`(v.title ilike ${pattern} or v.path ilike ${pattern} or exists (select 1 from unnest(v.tags) tag where tag ilike ${pattern}))`);
  }
  if (query.orientation !== undefined) parts.push(sql`v.orientation = ${query.orientation}`);
  if (query.codec !== undefined) parts.push(sql`(lower(v.video_codec) = lower(${query.codec}) or lower(v.audio_codec) = lower(${query.codec}))`);
  if (query.minDuration !== undefined) parts.push(sql`v.duration_seconds >= ${query.minDuration}`);
  if (query.maxDuration !== undefined) parts.push(sql`v.duration_seconds <= ${query.maxDuration}`);
  if (query.tag !== undefined) parts.push(sql`${query.tag} = any(v.tags)`);
  if (query.valid !== undefined) parts.push(sql`v.valid = ${query.valid}`);
  if (query.public !== undefined) parts.push(sql`v.is_public = ${query.public}`);
  if (query.location !== undefined) parts.push(sql`v.path like ${likePattern(`${query.location.replace(/\/+$/, '')}/`, 'prefix')}`);
  return parts.reduce((all, part) => sql`${all} and ${part}`);
};

/** How each sort of the API is said in SQL; ids make the order total. */
const ORDERS = {
  'createdAt': (sql: Sql) => sql`v.created_at, v.id`,
  '-createdAt': (sql: Sql) => sql`v.created_at desc, v.id desc`,
  'title': (sql: Sql) => sql`lower(v.title), v.id`,
  '-title': (sql: Sql) => sql`lower(v.title) desc, v.id desc`,
  'durationSeconds': (sql: Sql) => sql`v.duration_seconds nulls last, v.id`,
  '-durationSeconds': (sql: Sql) => sql`v.duration_seconds desc nulls last, v.id desc`,
  'sizeBytes': (sql: Sql) => sql`v.size_bytes, v.id`,
  '-sizeBytes': (sql: Sql) => sql`v.size_bytes desc, v.id desc`,
} as const satisfies Record<VideoListQuery['sort'], unknown>;
