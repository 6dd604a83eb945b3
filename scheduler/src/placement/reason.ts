import type { ResourceCategory } from '@reelay/contracts';
import type { WaitingJob } from '@reelay/store';
import { DIMENSIONS, type Dimension, type Refusal } from './filter.ts';
import type { DeviceRoom, NodeRoom } from './room.ts';
import type { Policy } from './types.ts';

/** Categories as people call them. */
const CATEGORY_WORDS: Readonly<Record<ResourceCategory, string>> = { cpu: 'CPU', gpu_encode: 'GPU encode', gpu_ai: 'GPU AI' };

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
/** Thousands with commas, whatever the host's language. */
const mb = (n: number): string => `${Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ',')} MB`;

interface Placed {
  room: NodeRoom;
  device: DeviceRoom;
}

const devicesOf = (refusals: readonly Refusal[]): Placed[] => refusals.flatMap(({ room }) => room.devices.map((device) => ({ room, device })));
const most = (devices: readonly Placed[], by: (placed: Placed) => number): Placed | undefined => devices.toSorted((a, b) => by(b) - by(a))[0];
const freeOf = ({ room, device }: Placed): string =>
  `${mb(device.freeMb)} free of ${mb(device.device.totalMb)} (${room.node.id}, booked for ${count(device.jobs, 'job')}${device.keptMb > 0 ? `, ${mb(device.keptMb)} kept for viewers` : ''})`;

const sentences: Readonly<Record<Dimension, (job: WaitingJob, refusals: readonly Refusal[], policy: Policy) => string>> = {
  health: (_job, refusals) => `No node is connected; ${count(refusals.length, 'known node')} not heard from`,
  admin: (_job, refusals) => {
    const draining = refusals.filter(({ room }) => room.node.adminState === 'draining').length;
    return `No connected node takes new jobs: ${draining} draining, ${refusals.length - draining} cordoned`;
  },
  excluded: (job, refusals) => `${count(refusals.length, 'node')} (${job.excludedNodes.join(', ')}) lost this job before, and no other node can take it`,
  library: (_job, refusals) => `Needs a node that holds the library itself; none of ${count(refusals.length, 'node')} does`,
  encoder: (_job, refusals) => `Needs a working H.264 encoder; none of ${count(refusals.length, 'node')} has one`,
  heldOff: (_job, refusals) => `${refusals[0]?.room.node.id ?? 'The node'} did not take the job a moment ago: ${refusals[0]?.detail ?? 'no reason given'}; it is offered again shortly`,
  memory: (_job, refusals) =>
    `Memory is short on ${refusals.length === 1 ? (refusals[0]?.room.node.id ?? 'the node') : count(refusals.length, 'node')}: ${refusals[0]?.detail ?? 'no figures given'}; no new jobs until it is not`,
  disk: (_job, refusals, policy) => {
    const freest = Math.max(...refusals.map(({ room }) => room.node.diskFreeBytes ?? 0));
    return `Needs ${mb(policy.minDiskFreeBytes / 1e6)} of free disk; the freest of ${count(refusals.length, 'node')} has ${mb(freest / 1e6)}`;
  },
  slots: (job, refusals) => {
    const limit = refusals.reduce((sum, { room }) => sum + room.node.limits[job.resourceCategory], 0);
    if (limit === 0) return `No ${CATEGORY_WORDS[job.resourceCategory]} jobs are allowed on ${count(refusals.length, 'node')}`;
    return `${limit === 1 ? 'The only' : `All ${limit}`} ${CATEGORY_WORDS[job.resourceCategory]} ${limit === 1 ? 'slot' : 'slots'} of ${count(refusals.length, 'node')} ${limit === 1 ? 'is' : 'are'} taken`;
  },
  size: (job, refusals) => {
    const largest = most(devicesOf(refusals), ({ device }) => device.device.totalMb);
    return largest
      ? `Needs ${mb(job.vramRequired)} of GPU memory; the largest of ${count(devicesOf(refusals).length, 'device')} has ${mb(largest.device.device.totalMb)} (${largest.room.node.id})`
      : `None of ${count(refusals.length, 'node')} reports a device`;
  },
  vram: (job, refusals) => {
    const devices = devicesOf(refusals);
    const freest = most(devices, ({ device }) => device.freeMb);
    return `Needs ${mb(job.vramRequired)} of GPU memory; the freest of ${count(devices.length, 'device')} has ${freest ? freeOf(freest) : 'none'}`;
  },
  reserved: (job, refusals) => {
    const kept = most(devicesOf(refusals).filter(({ device }) => device.reservedFor !== null), ({ device }) => device.freeMb);
    return `Needs ${mb(job.vramRequired)} of GPU memory; ${kept?.room.node.id ?? 'the device'} has ${mb(kept?.device.freeMb ?? 0)} free, kept for a larger job that has waited longer`;
  },
};

/** Why no node takes the job, in one sentence: told of the nodes that came nearest to taking it. */
export const waitingReason = (job: WaitingJob, refusals: readonly Refusal[], policy: Policy): string => {
  if (refusals.length === 0) return 'No node is connected';
  const reached = Math.max(...refusals.map(({ dimension }) => DIMENSIONS.indexOf(dimension)));
  const dimension = DIMENSIONS[reached] ?? 'health';
  return sentences[dimension](job, refusals.filter((refusal) => refusal.dimension === dimension), policy);
};
