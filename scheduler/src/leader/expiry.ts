/**
 * When leases may be expired. Pure.
 *
 * After a start of the leader, or a time in which the bus or the database was away, nodes had no way to be heard: they
 * get one lease's time. When more than half of a fleet of at least 5 is silent, the fault is more likely here than
 * there: nothing expires, for at most 5 minutes.
 */
const FLEET_FROM = 5;
const LONGEST_MS = 5 * 60_000;

export type ExpiryDecision = { allowed: true } | { allowed: false; reason: 'grace' | 'mass_loss' };

export class ExpiryGuard {
  #graceUntilMs = 0;
  #massSinceMs: number | null = null;

  /** Nobody could be heard until now. */
  grace(nowMs: number, forMs: number): void {
    this.#graceUntilMs = Math.max(this.#graceUntilMs, nowMs + forMs);
  }

  decide(nowMs: number, nodes: { total: number; silent: number }): ExpiryDecision {
    const mass = nodes.total >= FLEET_FROM && nodes.silent * 2 > nodes.total;
    if (!mass) this.#massSinceMs = null;
    else this.#massSinceMs ??= nowMs;
    if (nowMs < this.#graceUntilMs) return { allowed: false, reason: 'grace' };
    if (this.#massSinceMs !== null && nowMs - this.#massSinceMs < LONGEST_MS) return { allowed: false, reason: 'mass_loss' };
    return { allowed: true };
  }
}
