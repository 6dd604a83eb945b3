import { appendAudit } from '../audit/append.ts';
import { inTransaction, type Sql } from '../db.ts';
import type { AdminState, NodeRow } from './row.ts';

/**
 * What a person wants of a node. With `deadlineSeconds` (draining alone), what still runs then is given back; the time is
 * counted by Postgres, from now. Asking again sets the deadline anew. Null when there is no such node.
 */
export const setAdminState = (sql: Sql, nodeId: string, adminState: AdminState, actor: string, deadlineSeconds: number | null = null): Promise<NodeRow | null> =>
  inTransaction(sql, async (tx) => {
    const [before] = await tx<NodeRow[]>`select * from nodes where id = ${nodeId} for no key update`;
    if (!before) return null;
    const limit = adminState === 'draining' ? deadlineSeconds : null;
    if (before.adminState === adminState && before.drainDeadline === null && limit === null) return before;
    const [node] = await tx<NodeRow[]>`
      update nodes set admin_state = ${adminState}, rev = rev + 1, drain_deadline = now() + ${limit}::float8 * interval '1 second'
      where id = ${nodeId} returning *`;
    await appendAudit(tx, {
      topic: 'nodes', entityId: nodeId, event: adminState, actor, fromStatus: before.adminState, toStatus: adminState,
      detail: limit === null ? null : `what still runs in ${limit} s is given back`,
    });
    return node ?? null;
  });
