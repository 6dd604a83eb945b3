import { Ctx, type Logger, type Service, toError } from '@reelay/runtime';
import { acquireLease, type Lease, renewLease, resignLease } from '@reelay/store';
import type { Deps } from '../deps.ts';

const LEASE_NAME = 'scheduler';
/** Share of the time to live after which this process no longer trusts its lease, so that clocks may drift a little. */
const TRUST = 0.8;

export interface LeadershipListener {
  /** This process leads from now on. */
  onElected(lease: Lease): void;
  /** It leads no longer: it must not decide anything more. */
  onDeposed(): void;
}

/**
 *   follower ──acquired──▶ leader(term) ──not renewed in time, lost, stop()──▶ follower
 *
 * The database issues the term and every write of the leader checks it, so a leader that was frozen past its lease
 * writes nothing. The local window only saves it the attempt.
 */
export class Leadership implements Service {
  readonly name = 'leadership';
  readonly #deps: Pick<Deps, 'sql' | 'clock' | 'timing'>;
  readonly #holder: string;
  readonly #logger: Logger;
  readonly #listener: LeadershipListener;
  readonly #ctx = Ctx.root('leadership');
  #lease: Lease | null = null;
  #trustedUntilMs = 0;
  #ttlMs = 0;
  #renewNow = false;
  #running: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor(deps: Pick<Deps, 'sql' | 'clock' | 'timing' | 'logger'>, holder: string, listener: LeadershipListener) {
    this.#deps = deps;
    this.#holder = holder;
    this.#logger = deps.logger.child({ part: 'leadership' });
    this.#listener = listener;
  }

  /** The lease while this process may act on it, else null. */
  get lease(): Lease | null {
    return this.#lease !== null && this.#deps.clock.monotonicMs() < this.#trustedUntilMs ? this.#lease : null;
  }

  async start(): Promise<void> {
    await this.#step();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ctx.end();
    this.#wake();
    await this.#running;
    const lease = this.#lease;
    this.#depose('stopping');
    if (lease) await resignLease(this.#deps.sql, lease).catch((error: unknown) => this.#logger.warn({ err: toError(error) }, 'lease not resigned'));
  }

  /** The time to live may have changed: then renewed at once, and from there at its pace. */
  retime(): void {
    if (this.#deps.timing.leaderTtlMs === this.#ttlMs) return;
    this.#renewNow = true;
    this.#wake();
  }

  /** A write was refused because the term is over: another leads. */
  deposedBy(lease: Lease): void {
    if (this.#lease?.term === lease.term) this.#depose('the lease is another’s');
  }

  async #run(): Promise<void> {
    while (!this.#ctx.cancelled) {
      // By the time that was asked for: the setting may have changed since.
      if (!this.#renewNow) await this.#pause(this.#ttlMs * 0.3);
      this.#renewNow = false;
      if (!this.#ctx.cancelled) await this.#step();
    }
  }

  async #step(): Promise<void> {
    const { sql, clock, timing } = this.#deps;
    const startedMs = clock.monotonicMs();
    const ttlMs = timing.leaderTtlMs;
    this.#ttlMs = ttlMs;
    try {
      if (this.#lease !== null) {
        if (await renewLease(sql, this.#lease, ttlMs)) this.#trustedUntilMs = startedMs + ttlMs * TRUST;
        else this.#depose('the lease ran out');
      }
      if (this.#lease === null) {
        const lease = await acquireLease(sql, LEASE_NAME, this.#holder, ttlMs);
        if (lease && !this.#ctx.cancelled) this.#elect(lease, startedMs + ttlMs * TRUST);
        else if (lease) await resignLease(sql, lease);
      }
    } catch (error) {
      this.#logger.warn({ err: toError(error) }, 'lease not renewed');
      if (this.#lease !== null && clock.monotonicMs() >= this.#trustedUntilMs) this.#depose('the database does not answer');
    }
  }

  #elect(lease: Lease, trustedUntilMs: number): void {
    this.#lease = lease;
    this.#trustedUntilMs = trustedUntilMs;
    this.#logger.info({ term: lease.term }, 'leading');
    this.#listener.onElected(lease);
  }

  #depose(reason: string): void {
    if (this.#lease === null) return;
    this.#logger.info({ term: this.#lease.term, reason }, 'not leading any more');
    this.#lease = null;
    this.#listener.onDeposed();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#deps.clock.after(ms, () => this.#wake());
      this.#wake = () => {
        callOff();
        resolve();
      };
      if (this.#ctx.cancelled) this.#wake();
    });
  }
}
