import type { Clock } from '@reelay/runtime';
import type { SchedulerSettings } from './settings.ts';

/** Durations of the scheduler, in milliseconds. They may change while it runs: read them when they are needed. */
export interface Timing {
  readonly heartbeatMs: number;
  /** A node that has not been heard for so long is silent. */
  readonly silentMs: number;
  readonly leaseMs: number;
  /** After an outage here, nodes have this long to be heard before anything of theirs expires. */
  readonly graceMs: number;
  readonly leaderTtlMs: number;
  readonly sweepMs: number;
  readonly retryUnitMs: number;
  /** How long an agent has for its answer to an offer. */
  readonly offerMs: number;
  /** An offer not answered by a start within this time is sent again, with the same epoch. */
  readonly resendMs: number;
  /** Intents younger than this are being worked on by the scheduler that stored them. */
  readonly intentMs: number;
}

/** Two heartbeats missed, and a little. */
const silentAfterMs = (heartbeatMs: number): number => heartbeatMs * 2 + Math.min(1000, heartbeatMs / 2);

const ms = (seconds: number): number => Math.round(seconds * 1000);

/** The durations as the settings say at each moment. */
export class LiveTiming implements Timing {
  readonly offerMs = 2_000;
  readonly resendMs = 3_000;
  readonly intentMs = 10_000;
  readonly #settings: SchedulerSettings;
  readonly #clock: Clock;
  /** Nodes are told a new pace in the answer to their next heartbeat: until then they keep the old one. */
  #slower = { heartbeatMs: 0, untilMs: 0 };

  /** `settings`: a view that stays current. */
  constructor(settings: SchedulerSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  get heartbeatMs(): number {
    return ms(this.#settings.REELAY_HEARTBEAT_SECONDS);
  }

  get silentMs(): number {
    const { heartbeatMs, untilMs } = this.#slower;
    return silentAfterMs(this.#clock.monotonicMs() < untilMs ? Math.max(heartbeatMs, this.heartbeatMs) : this.heartbeatMs);
  }

  get leaseMs(): number {
    return ms(this.#settings.REELAY_LEASE_SECONDS);
  }

  get graceMs(): number {
    return this.leaseMs;
  }

  get leaderTtlMs(): number {
    return ms(this.#settings.REELAY_LEADER_SECONDS);
  }

  get sweepMs(): number {
    return ms(this.#settings.REELAY_SWEEP_SECONDS);
  }

  get retryUnitMs(): number {
    return ms(this.#settings.REELAY_RETRY_UNIT_SECONDS);
  }

  /** The pace was `before` until now. */
  paceChanged(before: SchedulerSettings): void {
    const heartbeatMs = ms(before.REELAY_HEARTBEAT_SECONDS);
    if (heartbeatMs > this.heartbeatMs) this.#slower = { heartbeatMs, untilMs: this.#clock.monotonicMs() + silentAfterMs(heartbeatMs) };
  }
}
