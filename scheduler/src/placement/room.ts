import type { ResourceCategory } from '@reelay/contracts';
import type { FleetDevice, FleetNode } from '@reelay/store';

/** A device during a pass. */
export interface DeviceRoom {
  readonly device: FleetDevice;
  /** MB that may still be booked. */
  freeMb: number;
  jobs: number;
  /** A blocked job's id for which the device is kept. */
  reservedFor: string | null;
}

/** A node during a pass: what is left of it. */
export interface NodeRoom {
  readonly node: FleetNode;
  readonly slots: Record<ResourceCategory, number>;
  readonly devices: readonly DeviceRoom[];
}

/**
 * min(reported free, total − booked). The report lags, so what it cannot show yet is taken off it first; a software
 * device has no memory of its own to report.
 */
export const freeMb = (device: FleetDevice): number => {
  const unbooked = device.totalMb - device.bookedMb;
  return Math.max(0, device.kind === 'software' ? unbooked : Math.min(device.freeMb - device.unseenMb, unbooked));
};

export const roomOf = (node: FleetNode): NodeRoom => ({
  node,
  slots: { ...node.slots },
  devices: node.devices.map((device) => ({ device, freeMb: freeMb(device), jobs: device.jobs, reservedFor: null })),
});

/** Takes the room of one job. */
export const take = (room: NodeRoom, device: DeviceRoom, category: ResourceCategory, vramMb: number): void => {
  room.slots[category] += 1;
  device.freeMb -= vramMb;
  device.jobs += 1;
};
