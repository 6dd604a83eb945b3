import { CATALOGUE, type JobType } from '@reelay/contracts';
import type { WaitingJob } from '@reelay/store';
import type { DeviceRoom, NodeRoom } from './room.ts';
import type { Policy } from './types.ts';

/** Types that write no files: a full disk does not stop them. */
const WRITES_NOTHING: ReadonlySet<JobType> = new Set<JobType>(['scan', 'public_scan', 'validate']);

/** Why a node cannot take a job: the first thing that fails, in this order. */
export const DIMENSIONS = ['health', 'admin', 'excluded', 'library', 'encoder', 'heldOff', 'memory', 'disk', 'slots', 'size', 'vram', 'reserved'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface Refusal {
  room: NodeRoom;
  dimension: Dimension;
  /** For `heldOff` and `memory`: what the node said. */
  detail?: string;
}

export type Fit = { kind: 'fits'; devices: DeviceRoom[] } | { kind: 'refused'; refusal: Refusal };

/** The devices of a node that can take the job now, or what is in the way. Per device, never summed. */
export const fit = (job: WaitingJob, room: NodeRoom, policy: Policy, excluded: readonly string[]): Fit => {
  const refuse = (dimension: Dimension, detail?: string): Fit => ({ kind: 'refused', refusal: { room, dimension, ...(detail === undefined ? {} : { detail }) } });
  const { node } = room;
  const { needsLibrary, needsEncoder } = CATALOGUE[job.type];
  if (node.health !== 'healthy') return refuse('health');
  if (node.adminState !== 'active') return refuse('admin');
  if (excluded.includes(node.id)) return refuse('excluded');
  if (needsLibrary && node.libraryId !== policy.libraryId) return refuse('library');
  if (needsEncoder && node.encoder === null) return refuse('encoder');
  const held = policy.heldOff.find(({ nodeId, jobId }) => nodeId === node.id && (jobId === null || jobId === job.id));
  if (held) return refuse('heldOff', held.reason);
  if (node.memoryPressure) return refuse('memory', node.memoryPressure);
  if (!WRITES_NOTHING.has(job.type) && node.diskFreeBytes !== null && node.diskFreeBytes < policy.minDiskFreeBytes) return refuse('disk');
  if (room.slots[job.resourceCategory] >= node.limits[job.resourceCategory]) return refuse('slots');
  if (job.vramRequired === 0) return room.devices.length > 0 ? { kind: 'fits', devices: room.devices.slice(0, 1) } : refuse('size');
  const large = room.devices.filter(({ device }) => device.totalMb >= job.vramRequired);
  if (large.length === 0) return refuse('size');
  const free = large.filter((device) => device.freeMb >= job.vramRequired);
  if (free.length === 0) return refuse('vram');
  const open = free.filter(({ reservedFor }) => reservedFor === null || reservedFor === job.id);
  return open.length > 0 ? { kind: 'fits', devices: open } : refuse('reserved');
};

/** Nodes the job stays away from; none, when that would leave it no node at all. */
export const exclusions = (job: WaitingJob, rooms: readonly NodeRoom[]): readonly string[] => {
  if (job.excludedNodes.length === 0) return [];
  const usable = rooms.filter(({ node }) => node.health === 'healthy' && node.adminState === 'active');
  return usable.every(({ node }) => job.excludedNodes.includes(node.id)) ? [] : job.excludedNodes;
};
