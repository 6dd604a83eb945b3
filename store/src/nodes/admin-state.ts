import { appendAudit } from '../audit/append.ts';
import { inTransaction, type Sql } from '../db.ts';
import type { AdminState, NodeRow } from './row.ts';

/** What a person wants of a node. Null when there is no such node. */
export const setAdminState = (sql: Sql, nodeId: string, adminState: AdminState, actor: string): Promise<NodeRow | null> =>
  inTransaction(sql, async (tx) => {
    const [before] = await tx<NodeRow[]>`select * from nodes where id = ${nodeId} for no key update`;
    if (!before) return null;
    if (before.adminState === adminState) return before;
    const [node] = await tx<NodeRow[]>`update nodes set admin_state = ${adminState}, rev = rev + 1 where id = ${nodeId} returning *`;
    await appendAudit(tx, { topic: 'nodes', entityId: nodeId, event: adminState, actor, fromStatus: before.adminState, toStatus: adminState });
    return node ?? null;
  });
