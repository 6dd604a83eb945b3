import type { Tx } from '../db.ts';
import { jsonb } from '../json.ts';

export type AuditTopic = 'jobs' | 'videos' | 'nodes' | 'streams' | 'users';

/** One change, told in the transaction that makes it. Also the outbox of live events. */
export interface AuditEvent {
  topic: AuditTopic;
  entityId: string;
  event: string;
  /** A user name, `node:<id>`, `gateway:<name>` or `scheduler`. */
  actor: string;
  fromStatus?: string | null;
  toStatus?: string | null;
  epoch?: number | null;
  detail?: string | null;
}

/** Writes audit rows; call it inside the transaction of the change. */
export const appendAudit = async (tx: Tx, ...events: AuditEvent[]): Promise<void> => {
  if (events.length === 0) return;
  await tx`
    insert into audit (topic, entity_id, event, actor, from_status, to_status, epoch, detail)
    select e.topic, e."entityId", e.event, e.actor, e."fromStatus", e."toStatus", e.epoch, left(e.detail, 1000)
    from jsonb_to_recordset(${jsonb(tx, events)}::jsonb) as e(
      topic text, "entityId" text, event text, actor text, "fromStatus" text, "toStatus" text, epoch integer, detail text)`;
};
