import type { OutboxCursor } from '../audit/outbox.ts';
import type { Queryable } from '../db.ts';

/**
 * Whether `cursor` is a place in this database's outbox: the row exists, or (id 0: a place between transactions) its
 * transaction number was given out already. False after a restore or for an id from elsewhere.
 */
export const isOutboxPosition = async (sql: Queryable, cursor: OutboxCursor): Promise<boolean> => {
  const [row] = cursor.id === 0
    ? await sql<{ known: boolean }[]>`select ${cursor.xid}::text::xid8 <= pg_snapshot_xmax(pg_current_snapshot()) as known`
    : await sql<{ known: boolean }[]>`select exists (select 1 from audit where id = ${cursor.id} and xid = ${cursor.xid}::text::xid8) as known`;
  return row?.known ?? false;
};
