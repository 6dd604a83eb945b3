import { appendAudit } from '../audit/append.ts';
import { inTransaction, type Queryable, type Sql } from '../db.ts';
import { type Lease, requireLease } from '../leases/lease.ts';
import type { NodeHealth } from './row.ts';

export interface HealthChange {
  nodeId: string;
  from: NodeHealth;
  to: NodeHealth;
}

/** Marks nodes that have not been heard for `silentMs` as silent, for `lostMs` as lost. @throws LeaseLostError */
export const updateHealth = (sql: Sql, lease: Lease, { silentMs, lostMs }: { silentMs: number; lostMs: number }): Promise<HealthChange[]> =>
  inTransaction(sql, async (tx) => {
    await requireLease(tx, lease);
    const changes = await tx<HealthChange[]>`
      with due as (
        select id, health as "from",
          case when last_seen_at < now() - ${lostMs} * interval '1 millisecond' then 'lost' else 'silent' end as "to"
        from nodes where health <> 'lost' and last_seen_at < now() - ${silentMs} * interval '1 millisecond'
        order by id for no key update
      ), changed as (
        update nodes n set health = due."to", rev = n.rev + 1 from due where n.id = due.id and n.health <> due."to"
        returning n.id as node_id, due."from", due."to"
      ) select * from changed`;
    await appendAudit(tx, ...changes.map(({ nodeId, from, to }) => ({
      topic: 'nodes' as const, entityId: nodeId, event: to, actor: 'scheduler', fromStatus: from, toStatus: to,
    })));
    return [...changes];
  });

/** How many nodes are expected to be there, and how many of them have been silent for `silentMs`. */
export const countSilent = async (sql: Queryable, silentMs: number): Promise<{ total: number; silent: number }> => {
  const [row] = await sql<{ total: number; silent: number }[]>`
    select count(*)::int as total,
      (count(*) filter (where last_seen_at < now() - ${silentMs} * interval '1 millisecond'))::int as silent
    from nodes where health <> 'lost'`;
  return row ?? { total: 0, silent: 0 };
};

/** Sets slots and bookings to what the attempts say. Done by a new leader, so that no error of the past stays. @throws LeaseLostError */
export const rebuildBookings = (sql: Sql, lease: Lease): Promise<void> =>
  inTransaction(sql, async (tx) => {
    await requireLease(tx, lease);
    await tx`select 1 from nodes order by id for no key update`;
    await tx`
      update nodes n set slots_cpu = b.cpu, slots_gpu_encode = b.encode, slots_gpu_ai = b.ai
      from (
        select n.id, count(a.*) filter (where a.category = 'cpu') as cpu, count(a.*) filter (where a.category = 'gpu_encode') as encode,
          count(a.*) filter (where a.category = 'gpu_ai') as ai
        from nodes n left join attempts a on a.node_id = n.id and a.released_at is null group by n.id
      ) b where b.id = n.id and (n.slots_cpu, n.slots_gpu_encode, n.slots_gpu_ai) is distinct from (b.cpu, b.encode, b.ai)`;
    await tx`
      update devices d set booked_mb = b.mb
      from (
        select d.node_id, d.id, coalesce(sum(a.vram_mb), 0)::int as mb
        from devices d left join attempts a on a.node_id = d.node_id and a.device_id = d.id and a.released_at is null group by 1, 2
      ) b where b.node_id = d.node_id and b.id = d.id and d.booked_mb <> b.mb`;
  });
