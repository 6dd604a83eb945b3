import { type CategoryLimits, DEFAULT_LIMITS, type JobType, RESOURCE_CATEGORIES, type ResourceCategory } from '@reelay/contracts';
import type { Queryable } from '../db.ts';
import type { DeviceRow, NodeRow } from '../nodes/row.ts';
import { readSessionMemory } from '../sessions/session.ts';

/** A pending job whose time has come. */
export interface WaitingJob {
  id: string;
  type: JobType;
  priority: number;
  resourceCategory: ResourceCategory;
  vramRequired: number;
  createdAt: Date;
  excludedNodes: string[];
  requirementClass: string;
}

export interface FleetDevice {
  id: string;
  index: number;
  kind: DeviceRow['kind'];
  name: string;
  totalMb: number;
  /** As the node last reported. */
  freeMb: number;
  bookedMb: number;
  /** Booked for attempts that the last report cannot show yet. */
  unseenMb: number;
  /** Attempts booked on the device. */
  jobs: number;
}

export interface FleetNode {
  id: string;
  name: string;
  incarnation: string;
  adminState: NodeRow['adminState'];
  health: NodeRow['health'];
  encoder: string | null;
  limits: CategoryLimits;
  /** Placed jobs by category. */
  slots: CategoryLimits;
  /** On-demand transcodes: how many it may serve, and serves. */
  sessionLimit?: number;
  sessions?: number;
  libraryId: string | null;
  /** null when unknown */
  diskFreeBytes: number | null;
  /** While its memory is short: with which numbers. */
  memoryPressure?: string | null;
  devices: FleetDevice[];
}

export interface QueueView {
  jobs: WaitingJob[];
  fleet: FleetNode[];
  /** Postgres time of the view. */
  now: Date;
}

/** An attempt that started this long before a report may not have taken its memory yet. */
const VISIBLE_AFTER_SECONDS = 2;

type NodeView = Pick<NodeRow, 'id' | 'name' | 'incarnation' | 'adminState' | 'health' | 'encoder' | 'limits' | 'libraryId' | 'load' | 'sessionLimit' | 'slotsCpu' | 'slotsGpuEncode' | 'slotsGpuAi'>;

/**
 * What placement decides on: the oldest `perPriority` due jobs of each category and priority (a full view of a short
 * queue, a bounded one of a long queue in which no priority hides another), and every node with its devices.
 */
export const readQueueView = async (sql: Queryable, perPriority: number): Promise<QueueView> => {
  const [jobs, nodes, devices, sessions, clock] = await Promise.all([
    sql<WaitingJob[]>`
      select j.* from unnest(${[...RESOURCE_CATEGORIES]}::text[]) as c (category)
      cross join generate_series(1, 10) as p (priority)
      cross join lateral (
        select id, type, priority, resource_category, vram_required, created_at, excluded_nodes, requirement_class
        from jobs
        where status = 'pending' and resource_category = c.category and priority = p.priority
          and (retry_after is null or retry_after <= now())
        order by created_at, id limit ${perPriority}
      ) as j`,
    sql<NodeView[]>`
      select id, name, incarnation, admin_state, health, encoder, limits, library_id, load, session_limit, slots_cpu, slots_gpu_encode, slots_gpu_ai
      from nodes order by id`,
    sql<(FleetDevice & { nodeId: string })[]>`
      select d.node_id, d.id, d.device_index as index, d.kind, d.name, d.total_mb, d.free_mb, d.booked_mb,
        coalesce(a.unseen_mb, 0)::int as unseen_mb, coalesce(a.jobs, 0)::int as jobs
      from devices d
      left join lateral (
        select count(*) as jobs,
          sum(vram_mb) filter (where started_at is null or started_at > d.reported_at - ${VISIBLE_AFTER_SECONDS} * interval '1 second') as unseen_mb
        from attempts where node_id = d.node_id and device_id = d.id and released_at is null
      ) a on true
      order by d.node_id, d.device_index, d.id`,
    readSessionMemory(sql),
    sql<{ now: Date }[]>`select now() as now`,
  ]);
  const sessionsOn = (nodeId: string, deviceId?: string) => sessions.filter((one) => one.nodeId === nodeId && (deviceId === undefined || one.deviceId === deviceId));
  const memoryOf = (nodeId: string, deviceId: string): number => sessionsOn(nodeId, deviceId).reduce((sum, { vramMb }) => sum + vramMb, 0);
  const fleet = nodes.map((node): FleetNode => ({
    id: node.id, name: node.name, incarnation: node.incarnation, adminState: node.adminState, health: node.health,
    encoder: node.encoder, limits: { ...DEFAULT_LIMITS, ...node.limits }, libraryId: node.libraryId,
    slots: { cpu: node.slotsCpu, gpu_encode: node.slotsGpuEncode, gpu_ai: node.slotsGpuAi },
    sessionLimit: node.sessionLimit, sessions: sessionsOn(node.id).reduce((sum, one) => sum + one.sessions, 0),
    diskFreeBytes: node.load.diskFreeBytes, memoryPressure: node.load.memoryPressure?.detail ?? null,
    devices: devices.filter(({ nodeId }) => nodeId === node.id).map(({ id, index, kind, name, totalMb, freeMb, bookedMb, unseenMb, jobs: placed }) => ({
      id, index, kind, name, totalMb, freeMb, bookedMb: bookedMb + memoryOf(node.id, id), unseenMb, jobs: placed,
    })),
  }));
  return { jobs: [...jobs], fleet, now: clock[0]?.now ?? new Date(0) };
};
