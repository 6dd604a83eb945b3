import type { Queryable } from '../db.ts';

/** How many videos the library has, trashed ones left out. */
export const countVideos = async (sql: Queryable): Promise<number> => {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from videos where deleted_at is null`;
  return row?.count ?? 0;
};
