/** What placement takes and gives. Pure: no clock, no I/O. */
import type { FleetNode, Placement, WaitingJob } from '@reelay/store';

export interface HoldOff {
  nodeId: string;
  /** null: the node takes no job at all for a moment. */
  jobId: string | null;
  reason: string;
}

export interface Policy {
  /** Id of the hub's library: a node with the same one sees the same files. */
  libraryId: string;
  /** Waiting this long counts as one step of priority, so that nothing starves. */
  ageStepMs: number;
  /** A job that has waited this long for GPU memory gets a device kept free for it. */
  reserveAfterMs: number;
  /** A node with less free disk takes no jobs that write files. */
  minDiskFreeBytes: number;
  /** MB of GPU memory kept for the next viewer where others watch already. */
  sessionVramMb: number;
  /** Offers that were refused a moment ago. */
  heldOff: readonly HoldOff[];
}

export interface PlacementInput {
  jobs: readonly WaitingJob[];
  fleet: readonly FleetNode[];
  policy: Policy;
  now: Date;
}

export type Verdict =
  | { kind: 'place'; jobId: string; placement: Placement }
  /** One sentence with numbers; the same for every waiting job of the class. */
  | { kind: 'wait'; jobId: string; requirementClass: string; reason: string };
