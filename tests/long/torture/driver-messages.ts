/** What the test and the driver say to each other over the driver's channel. */

/** A child to start, as the supervisor is told; all of it can be sent. */
export interface ChildSpec {
  argv0: string;
  args: string[];
  /** `read`: drained by the driver. `unread`: a pipe that nobody reads. */
  stdout: 'ignore' | 'read' | 'unread';
  stdin: 'ignore' | 'pipe';
  graceMs: number;
  stallMs?: number;
  limitMs?: number;
  env: Record<string, string>;
}

/** How a child is ended from inside, with the cause that its log line must carry. */
export const WAYS_INSIDE = { cancel: 'cancelled', terminate: 'client_gone', kill: 'memory_pressure', freezeAndTerminate: 'drained' } as const;
export type WayInside = keyof typeof WAYS_INSIDE;

export type ToDriver =
  | { kind: 'start'; id: string; spec: ChildSpec; /** Ended in the same breath. */ endAtOnce?: WayInside }
  | { kind: 'end'; id: string; way: WayInside }
  /** Takes memory until it dies of it. */
  | { kind: 'eat'; what: 'buffers' | 'objects' }
  | { kind: 'throw' }
  /** Answered when nothing else is left to do. */
  | { kind: 'settle' };

export interface ChildEnd {
  kind: string;
  code?: number;
  signal?: string;
  /** Code of the cause, when the supervisor ended it. */
  cause?: string;
  forced: boolean;
  /** From the order to end it to its exit; null when nobody ordered it. */
  tookMs: number | null;
}

export type FromDriver =
  | { ready: true; swept: number }
  | { kind: 'started'; id: string; pid: number }
  | { kind: 'refused'; id: string; code: string }
  | { kind: 'alive'; id: string }
  /** The order to end it was carried out. */
  | { kind: 'told'; id: string }
  | { kind: 'ended'; id: string; end: ChildEnd }
  | { kind: 'settled'; children: number };
