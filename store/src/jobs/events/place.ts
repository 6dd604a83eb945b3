import { statusesAllowing } from '@reelay/contracts';
import { appendAudit } from '../../audit/append.ts';
import { inTransaction, type Sql, type Tx } from '../../db.ts';
import { jsonb } from '../../json.ts';
import { type Lease, requireLease } from '../../leases/lease.ts';
import type { DeviceRow, NodeRow } from '../../nodes/row.ts';
import type { SLOT_COLUMN } from '../booking.ts';
import type { JobRow } from '../row.ts';

/** A decision: this job on this device of this start of the node. */
export interface Placement {
  jobId: string;
  nodeId: string;
  incarnation: string;
  deviceId: string;
}

interface Locked {
  jobs: Map<string, JobRow>;
  nodes: Map<string, NodeRow>;
  devices: Map<string, DeviceRow>;
}
interface Booking {
  job: JobRow;
  placement: Placement;
}

const deviceKey = (nodeId: string, deviceId: string): string => `${nodeId}/${deviceId}`;

/**
 * Books slots and VRAM and makes the jobs `queued` with a new epoch, in one transaction of the leader. What does not
 * hold any more (job cancelled, node restarted or drained, no room) is left out. Returns the placed jobs.
 * @throws LeaseLostError
 */
export const commitPlacements = (sql: Sql, lease: Lease, placements: readonly Placement[], leaseMs: number): Promise<JobRow[]> =>
  inTransaction(sql, async (tx) => {
    await requireLease(tx, lease);
    const bookings = fitting(placements, await lockAll(tx, placements));
    if (bookings.length === 0) return [];
    const rows = bookings.map(({ job, placement: { jobId, nodeId, incarnation, deviceId } }) => ({
      jobId, nodeId, incarnation, deviceId, category: job.resourceCategory, vramMb: job.vramRequired,
    }));
    const placed = await tx<JobRow[]>`
      update jobs j set status = 'queued', epoch = j.epoch + 1, rev = j.rev + 1, node_id = p."nodeId", incarnation = p.incarnation,
        device_id = p."deviceId", lease_until = now() + ${leaseMs} * interval '1 millisecond', waiting_reason = null, retry_after = null,
        started_at = null, progress = 0, phase = null, status_message = null, error_code = null, error_message = null, paused_from = null
      from jsonb_to_recordset(${jsonb(tx, rows)}::jsonb) as p("jobId" uuid, "nodeId" text, incarnation uuid, "deviceId" text)
      where j.id = p."jobId" and j.status = any(${statusesAllowing('place')})
      returning j.*`;
    const told = placed.map((job) => ({
      topic: 'jobs' as const, entityId: job.id, event: 'place', actor: 'scheduler', fromStatus: 'pending', toStatus: 'queued', epoch: job.epoch,
      detail: `node ${job.nodeId ?? ''}, device ${job.deviceId ?? ''}`,
    }));
    await Promise.all([
      tx`
        insert into attempts (job_id, epoch, node_id, incarnation, device_id, category, vram_mb)
        select id, epoch, node_id, incarnation, device_id, resource_category, vram_required from jobs where id = any(${placed.map(({ id }) => id)}::uuid[])`,
      book(tx, rows),
      appendAudit(tx, ...told),
    ]);
    return [...placed];
  });

/** Locks every row in the order jobs, nodes, devices, each in id order. */
const lockAll = async (tx: Tx, placements: readonly Placement[]): Promise<Locked> => {
  const jobIds = placements.map(({ jobId }) => jobId);
  const nodeIds = [...new Set(placements.map(({ nodeId }) => nodeId))];
  // Sent together, run one after the other: the locks are taken in this order.
  const [jobs, nodes, devices] = await Promise.all([tx<JobRow[]>`
    select * from jobs where id = any(${jobIds}::uuid[]) and status = any(${statusesAllowing('place')})
      and (retry_after is null or retry_after <= now())
    order by id for no key update`, tx<NodeRow[]>`
    select * from nodes where id = any(${nodeIds}) and admin_state = 'active' and health = 'healthy' order by id for no key update`, tx<DeviceRow[]>`
    select * from devices where node_id = any(${nodeIds}) order by node_id, id for no key update`]);
  return {
    jobs: new Map(jobs.map((job) => [job.id, job])),
    nodes: new Map(nodes.map((node) => [node.id, node])),
    devices: new Map(devices.map((device) => [deviceKey(device.nodeId, device.id), device])),
  };
};

/** The placements that fit the rows as they are now; counts them as it goes. */
const fitting = (placements: readonly Placement[], { jobs, nodes, devices }: Locked): Booking[] => {
  const slots = new Map([...nodes.values()].map((node) => [node.id, { cpu: node.slotsCpu, gpu_encode: node.slotsGpuEncode, gpu_ai: node.slotsGpuAi }]));
  const bookedMb = new Map([...devices].map(([key, device]) => [key, device.bookedMb]));
  return placements.flatMap((placement) => {
    const key = deviceKey(placement.nodeId, placement.deviceId);
    const [job, node, device, used] = [jobs.get(placement.jobId), nodes.get(placement.nodeId), devices.get(key), slots.get(placement.nodeId)];
    if (!job || !node || !device || !used || node.incarnation !== placement.incarnation) return [];
    const total = (bookedMb.get(key) ?? 0) + job.vramRequired;
    if (used[job.resourceCategory] >= node.limits[job.resourceCategory] || (job.vramRequired > 0 && total > device.totalMb)) return [];
    used[job.resourceCategory] += 1;
    bookedMb.set(key, total);
    return [{ job, placement }];
  });
};

const book = async (tx: Tx, rows: readonly (Placement & { category: keyof typeof SLOT_COLUMN; vramMb: number })[]): Promise<void> => {
  await tx`
    update nodes n set rev = n.rev + 1, slots_cpu = n.slots_cpu + b.cpu, slots_gpu_encode = n.slots_gpu_encode + b.encode, slots_gpu_ai = n.slots_gpu_ai + b.ai
    from (
      select "nodeId", count(*) filter (where category = 'cpu') as cpu, count(*) filter (where category = 'gpu_encode') as encode,
        count(*) filter (where category = 'gpu_ai') as ai
      from jsonb_to_recordset(${jsonb(tx, rows)}::jsonb) as r("nodeId" text, category text) group by "nodeId"
    ) b where n.id = b."nodeId"`;
  await tx`
    update devices d set booked_mb = d.booked_mb + b.mb
    from (
      select "nodeId", "deviceId", sum("vramMb")::int as mb
      from jsonb_to_recordset(${jsonb(tx, rows)}::jsonb) as r("nodeId" text, "deviceId" text, "vramMb" integer) group by 1, 2
    ) b where d.node_id = b."nodeId" and d.id = b."deviceId"`;
};
