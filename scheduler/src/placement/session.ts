import type { FleetNode } from '@reelay/store';
import { freeMb, sessionDevices } from './room.ts';

/** What nodes call their processor: no GPU's id. */
const SOFTWARE_DEVICE = 'software';

/** What a session needs. */
export interface SessionNeed {
  /** MB of GPU memory where it is encoded on a GPU. */
  vramMb: number;
  excludeNodes: readonly string[];
}

interface SessionCandidate {
  nodeId: string;
  incarnation: string;
  deviceId: string;
  vramMb: number;
}

/** Places for an on-demand transcode, best first; or why there is none, in a sentence with numbers. */
export type SessionVerdict = { kind: 'places'; candidates: SessionCandidate[] } | { kind: 'none'; reason: string };

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/**
 * Interactive work goes ahead of jobs: it has slots of its own on each node (its session limit), and GPU memory that jobs
 * leave to it. A GPU comes before a host without one, then the node that serves the fewest sessions.
 */
export const placeSession = (need: SessionNeed, fleet: readonly FleetNode[]): SessionVerdict => {
  const able = fleet.filter((node) => node.health === 'healthy' && node.encoder !== null && (node.sessionLimit ?? 0) > 0);
  if (able.length === 0) return { kind: 'none', reason: 'No node is connected that can encode.' };
  const open = able.filter((node) => node.adminState === 'active');
  if (open.length === 0) return { kind: 'none', reason: `${plural(able.length, 'node')} that can encode ${able.length === 1 ? 'is' : 'are'} being drained.` };
  const wanted = open.filter((node) => !need.excludeNodes.includes(node.id));
  const roomy = (wanted.length > 0 ? wanted : open).filter((node) => (node.sessions ?? 0) < (node.sessionLimit ?? 0));
  if (roomy.length === 0) {
    const limit = open.reduce((sum, node) => sum + (node.sessionLimit ?? 0), 0);
    return { kind: 'none', reason: `All ${plural(limit, 'place')} for encoding while somebody watches are taken.` };
  }
  const candidates = roomy.flatMap((node) => deviceFor(node, need.vramMb));
  if (candidates.length === 0) return { kind: 'none', reason: 'No node reports a device to encode on.' };
  return { kind: 'places', candidates: candidates.toSorted((a, b) => a.software - b.software || a.load - b.load || (a.place.nodeId < b.place.nodeId ? -1 : 1)).map(({ place }) => place) };
};

interface Scored {
  place: SessionCandidate;
  software: number;
  load: number;
}

/** The GPU with the most memory left; where none has enough, the processor: slower, and better than nothing. */
const deviceFor = (node: FleetNode, vramMb: number): Scored[] => {
  const { id: nodeId, incarnation } = node;
  const load = (node.sessions ?? 0) / Math.max(1, node.sessionLimit ?? 1);
  const [gpu] = sessionDevices(node);
  if (gpu !== undefined && freeMb(gpu) >= vramMb) return [{ place: { nodeId, incarnation, deviceId: gpu.id, vramMb }, software: 0, load }];
  const deviceId = gpu === undefined ? node.devices[0]?.id : SOFTWARE_DEVICE;
  return deviceId === undefined ? [] : [{ place: { nodeId, incarnation, deviceId, vramMb: 0 }, software: gpu === undefined ? 1 : 2, load }];
};
