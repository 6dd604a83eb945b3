import type { WaitingJob } from '@reelay/store';
import type { DeviceRoom, NodeRoom } from './room.ts';

export interface Candidate {
  room: NodeRoom;
  device: DeviceRoom;
}

const load = (room: NodeRoom, job: WaitingJob): number => room.slots[job.resourceCategory] / room.node.limits[job.resourceCategory];

const software = ({ device }: Candidate): number => (device.device.kind === 'software' ? 1 : 0);

/**
 * Best fit: real GPUs first, then the device with the least memory left over (which keeps small jobs off the biggest),
 * then the emptier node. Work without GPU memory goes to the emptiest node. Ids break ties, so that a pass repeats.
 */
export const best = (candidates: readonly Candidate[], job: WaitingJob): Candidate | undefined =>
  candidates.toSorted((a, b) => {
    const byLoad = load(a.room, job) - load(b.room, job);
    const byId = a.room.node.id < b.room.node.id ? -1 : a.room.node.id > b.room.node.id ? 1 : a.device.device.index - b.device.device.index;
    if (job.vramRequired === 0) return byLoad || byId;
    return software(a) - software(b) || a.device.freeMb - b.device.freeMb || byLoad || byId;
  })[0];
