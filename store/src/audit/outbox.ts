import type { Queryable } from '../db.ts';
import type { AuditTopic } from './append.ts';

/** A place in the outbox. `xid` is decimal text (64 bits). */
export interface OutboxCursor {
  xid: string;
  id: number;
}

export interface OutboxEvent extends OutboxCursor {
  at: Date;
  topic: AuditTopic;
  entityId: string;
  event: string;
  actor: string;
  fromStatus: string | null;
  toStatus: string | null;
  epoch: number | null;
  detail: string | null;
}

/**
 * Events after `cursor` in (xid, id) order, stopping below the oldest transaction that still runs: what is returned is
 * final, so nothing that commits late is ever skipped. Without a cursor: no events, and the cursor of now.
 */
export const readOutbox = async (sql: Queryable, cursor: OutboxCursor | null, limit: number): Promise<{ events: OutboxEvent[]; cursor: OutboxCursor }> => {
  if (cursor === null) {
    const [row] = await sql<{ xid: string }[]>`select pg_snapshot_xmin(pg_current_snapshot())::text as xid`;
    return { events: [], cursor: { xid: row?.xid ?? '0', id: 0 } };
  }
  const events = await sql<OutboxEvent[]>`
    select xid::text as xid, id, at, topic, entity_id, event, actor, from_status, to_status, epoch, detail
    from audit
    where (xid, id) > (${cursor.xid}::text::xid8, ${cursor.id}::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by audit.xid, id limit ${limit}`;
  const last = events.at(-1);
  return { events: [...events], cursor: last ? { xid: last.xid, id: last.id } : cursor };
};
