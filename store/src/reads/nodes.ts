import type { CategoryLimits, DeviceReport, EncoderTrial, Node } from '@reelay/contracts';
import type { Queryable } from '../db.ts';

interface NodeView {
  id: string;
  name: string;
  version: string;
  health: Node['health'];
  adminState: Node['adminState'];
  drainDeadline: Date | null;
  encoder: string | null;
  encoderTrials: EncoderTrial[];
  ffmpegVersion: string | null;
  devices: (DeviceReport & { bookedMb: number })[];
  limits: CategoryLimits;
  slotsCpu: number;
  slotsGpuEncode: number;
  slotsGpuAi: number;
  load: Node['load'];
  hasLibrary: boolean | null;
  labels: Record<string, string>;
  registeredAt: Date;
  lastSeenAt: Date;
}

/** All nodes by name, or those with the ids. `hasLibrary`: the node mounts the very library of the hub. */
export const readNodes = async (sql: Queryable, ids: readonly string[] | null = null): Promise<Node[]> => {
  const rows = await sql<NodeView[]>`
    select n.id, n.name, n.version, n.health, n.admin_state, n.drain_deadline, n.encoder, n.encoder_trials, n.ffmpeg_version, n.limits,
      n.slots_cpu, n.slots_gpu_encode, n.slots_gpu_ai, n.load, n.labels, n.registered_at, n.last_seen_at,
      n.library_id is not null and n.library_id = (select value #>> '{}' from settings where name = 'libraryId') as has_library,
      coalesce((
        select jsonb_agg(jsonb_build_object('id', d.id, 'index', d.device_index, 'kind', d.kind, 'name', d.name, 'totalMb', d.total_mb,
          'freeMb', d.free_mb, 'utilization', d.utilization, 'temperatureC', d.temperature_c, 'bookedMb', d.booked_mb) order by d.device_index, d.id)
        from devices d where d.node_id = n.id), '[]'::jsonb) as devices
    from nodes n where ${ids === null ? sql`true` : sql`n.id = any(${[...ids]})`} order by n.name, n.id`;
  return rows.map(toNode);
};

const toNode = ({ slotsCpu, slotsGpuEncode, slotsGpuAi, drainDeadline, ...row }: NodeView): Node => ({
  ...row,
  drainDeadlineAt: drainDeadline?.toISOString() ?? null,
  hasLibrary: row.hasLibrary ?? false,
  running: { cpu: slotsCpu, gpu_encode: slotsGpuEncode, gpu_ai: slotsGpuAi },
  registeredAt: row.registeredAt.toISOString(),
  lastSeenAt: row.lastSeenAt.toISOString(),
});

/** `healthy` are those that are held for healthy and have been heard within `withinMs`. */
export const countNodes = async (sql: Queryable, withinMs: number): Promise<{ healthy: number; total: number }> => {
  const [row] = await sql<{ healthy: number; total: number }[]>`
    select count(*) filter (where health = 'healthy' and last_seen_at > now() - ${withinMs} * interval '1 millisecond')::int as healthy, count(*)::int as total from nodes`;
  return row ?? { healthy: 0, total: 0 };
};

/** How many nodes could encode for a viewer now: heard within `withinMs`, with an encoder that works, and not kept from new work. */
export const countEncoders = async (sql: Queryable, withinMs: number): Promise<number> => {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from nodes
    where health = 'healthy' and admin_state = 'active' and encoder is not null and session_limit > 0 and last_seen_at > now() - ${withinMs} * interval '1 millisecond'`;
  return row?.count ?? 0;
};
