/** How long a pure encode may go on without hearing from the hub: a minute without Postgres costs nothing. */
export const RUN_ON_MS = 10 * 60_000;

export interface FencedAttempt {
  effects: 'batches' | 'parts';
  leaseMs: number;
  /** When the lease was last known to be renewed, on this node's monotonic clock. */
  renewedMs: number;
}

/**
 * True when an attempt must end because the hub may have given the job away: one that sends effects after two thirds of its
 * lease, one whose result is fenced anyway (parts) after ten minutes.
 */
export function mustStop({ effects, leaseMs, renewedMs }: FencedAttempt, nowMs: number): boolean {
  const patienceMs = effects === 'batches' ? (leaseMs * 2) / 3 : Math.max(RUN_ON_MS, leaseMs);
  return nowMs - renewedMs >= patienceMs;
}
