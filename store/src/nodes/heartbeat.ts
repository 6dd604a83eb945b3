import type { Heartbeat } from '@reelay/contracts';
import { appendAudit } from '../audit/append.ts';
import { inTransaction, type Sql } from '../db.ts';
import { jsonb } from '../json.ts';
import { drainMsLeft } from './drain.ts';
import { saveDevices } from './hello.ts';
import type { AdminState, NodeHealth } from './row.ts';

export type Seen =
  | { kind: 'known'; adminState: AdminState; /** Until the deadline of its drain; null without one. */ drainMs: number | null; /** It had been silent or lost. */ recovered: boolean }
  /** A newer start of the agent has the id. */
  | { kind: 'superseded' }
  | { kind: 'unknown' };

/** Notes that a start of an agent is alive, with its load and devices. */
export const recordHeartbeat = (sql: Sql, nodeId: string, beat: Pick<Heartbeat, 'incarnation' | 'devices' | 'load'>): Promise<Seen> =>
  inTransaction(sql, async (tx): Promise<Seen> => {
    const [before] = await tx<{ incarnation: string; health: NodeHealth; adminState: AdminState }[]>`
      select incarnation, health, admin_state from nodes where id = ${nodeId} for no key update`;
    if (!before) return { kind: 'unknown' };
    if (before.incarnation !== beat.incarnation) return { kind: 'superseded' };
    await tx`update nodes set last_seen_at = now(), load = ${jsonb(tx, beat.load)}, health = 'healthy', rev = rev + 1 where id = ${nodeId}`;
    await saveDevices(tx, nodeId, beat.devices);
    const recovered = before.health !== 'healthy';
    if (recovered) {
      await appendAudit(tx, { topic: 'nodes', entityId: nodeId, event: 'healthy', actor: `node:${nodeId}`, fromStatus: before.health, toStatus: 'healthy' });
    }
    const drainMs = before.adminState === 'draining' ? await drainMsLeft(tx, nodeId) : null;
    return { kind: 'known', adminState: before.adminState, drainMs, recovered };
  });
