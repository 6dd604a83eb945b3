import type { ResourceCategory } from '@reelay/contracts';
import type { FleetDevice, FleetNode } from '@reelay/store';

/** A device during a pass. */
export interface DeviceRoom {
  readonly device: FleetDevice;
  /** MB that jobs may still book. */
  freeMb: number;
  /** MB of the free ones that jobs leave to viewers. */
  readonly keptMb: number;
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

/** While somebody watches what a node encodes, jobs leave room on its GPU for one viewer more. */
export const roomOf = (node: FleetNode, sessionVramMb: number): NodeRoom => {
  const [preferred] = (node.sessions ?? 0) > 0 ? sessionDevices(node) : [];
  return {
    node,
    slots: { ...node.slots },
    devices: node.devices.map((device) => {
      const free = freeMb(device);
      const keptMb = device === preferred ? Math.min(free, sessionVramMb) : 0;
      return { device, freeMb: free - keptMb, keptMb, jobs: device.jobs, reservedFor: null };
    }),
  };
};

/** The GPUs of a node that sessions encode on, the one with the most memory left first. */
export const sessionDevices = (node: FleetNode): FleetDevice[] =>
  (node.encoder?.endsWith('_nvenc') === true ? node.devices.filter(({ kind }) => kind === 'nvidia').toSorted((a, b) => freeMb(b) - freeMb(a)) : []);

/** Takes the room of one job. */
export const take = (room: NodeRoom, device: DeviceRoom, category: ResourceCategory, vramMb: number): void => {
  room.slots[category] += 1;
  device.freeMb -= vramMb;
  device.jobs += 1;
};
