import { CATALOGUE, type DeviceReport, type refusalSchema, type ResourceCategory, type WorkOrder } from '@reelay/contracts';
import type { z } from 'zod';

export type Refusal = z.infer<typeof refusalSchema>;

/** What the node knows about itself when an order comes in. */
export interface NodeState {
  draining: boolean;
  limits: Readonly<Record<ResourceCategory, number>>;
  /** Jobs with a living process, by category. */
  running: Readonly<Record<ResourceCategory, number>>;
  devices: readonly DeviceReport[];
  bookedMb: (deviceId: string) => number;
  hasEncoder: boolean;
  /** Null when unknown. */
  freeBytes: number | null;
  minFreeBytes: number;
  mountsLibrary: boolean;
  /** While memory is short: the numbers. */
  memoryPressure: string | null;
}

export type Known = { kind: 'new' } | { kind: 'current' } | { kind: 'stale'; newestEpoch: number } | { kind: 'supersedes' };

/** What an order's epoch says, given the attempt of that job that runs here and the newest epoch ever seen. */
export function recognise(epoch: number, runningEpoch: number | null, newestEpoch: number): Known {
  if (runningEpoch === epoch) return { kind: 'current' };
  if (epoch <= newestEpoch) return { kind: 'stale', newestEpoch };
  return runningEpoch === null ? { kind: 'new' } : { kind: 'supersedes' };
}

/** The node's last word: null accepts, else the first thing that does not fit, with numbers. */
export function refuse(order: WorkOrder, node: NodeState): Refusal | null {
  if (node.draining) return { code: 'draining', detail: 'the node takes no new work' };
  if (node.memoryPressure !== null) return { code: 'memory_pressure', detail: `memory is short: ${node.memoryPressure}` };
  const limit = node.limits[order.category];
  const running = node.running[order.category];
  if (running >= limit) return { code: 'no_slot', detail: `${running} of ${limit} ${order.category} jobs are running` };
  if (CATALOGUE[order.type].needsEncoder && !node.hasEncoder) return { code: 'no_encoder', detail: 'no H.264 encoder works on this node' };
  return refuseVram(order, node) ?? refuseDisk(order, node);
}

function refuseVram(order: WorkOrder, node: NodeState): Refusal | null {
  if (order.vramMb === 0) return null;
  const device = node.devices.find((candidate) => candidate.id === order.deviceId);
  if (!device) return { code: 'no_vram', detail: `the device ${order.deviceId} is not here` };
  const freeMb = Math.min(device.freeMb, device.totalMb - node.bookedMb(device.id));
  if (order.vramMb <= freeMb) return null;
  return { code: 'no_vram', detail: `${order.vramMb} MB needed, ${Math.max(0, freeMb)} of ${device.totalMb} MB free on ${device.name}` };
}

function refuseDisk(order: WorkOrder, node: NodeState): Refusal | null {
  const fetchedBytes = node.mountsLibrary ? 0 : order.inputs.reduce((sum, input) => sum + input.sizeBytes, 0);
  const writes = order.outputs.length > 0 || fetchedBytes > 0;
  const neededBytes = node.minFreeBytes + fetchedBytes;
  if (!writes || node.freeBytes === null || node.freeBytes >= neededBytes) return null;
  return { code: 'no_disk', detail: `${megabytes(neededBytes)} MB of disk needed, ${megabytes(node.freeBytes)} MB free` };
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
