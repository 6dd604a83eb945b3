import type { CategoryLimits, DeviceReport, EncoderTrial, LoadReport } from '@reelay/contracts';

export type AdminState = 'active' | 'draining' | 'cordoned';
export type NodeHealth = 'healthy' | 'silent' | 'lost';

/** A row of `nodes`. */
export interface NodeRow {
  id: string;
  name: string;
  incarnation: string;
  adminState: AdminState;
  /** When what still runs on a draining node is given back. */
  drainDeadline: Date | null;
  health: NodeHealth;
  version: string;
  encoder: string | null;
  encoderTrials: EncoderTrial[];
  ffmpegVersion: string | null;
  limits: CategoryLimits;
  /** On-demand transcodes at the same time. */
  sessionLimit: number;
  labels: Record<string, string>;
  libraryId: string | null;
  load: LoadReport;
  slotsCpu: number;
  slotsGpuEncode: number;
  slotsGpuAi: number;
  registeredAt: Date;
  lastSeenAt: Date;
  rev: number;
}

/** A row of `devices`. */
export interface DeviceRow {
  nodeId: string;
  id: string;
  deviceIndex: number;
  kind: DeviceReport['kind'];
  name: string;
  totalMb: number;
  freeMb: number;
  bookedMb: number;
  utilization: number | null;
  temperatureC: number | null;
  reportedAt: Date;
}
