import { hintSchema, subjects } from '@reelay/contracts';
import { Ctx, type Logger, type Service, toError } from '@reelay/runtime';
import type { BusSubscription } from '@reelay/runtime/bus';
import { countSilent, expireLeases, expireSessions, type Lease, LeaseLostError, rebuildBookings, updateHealth } from '@reelay/store';
import type { Assigner } from '../assign/assigner.ts';
import type { HoldOffs } from '../assign/hold-off.ts';
import type { Deps } from '../deps.ts';
import type { Settler } from '../settle/settler.ts';
import { dropLostParts } from '../settle/lost-parts.ts';
import { ExpiryGuard } from './expiry.ts';
import type { Leadership } from './leadership.ts';
import type { Placer } from './placer.ts';
import { replayIntents, sweepParts } from './recovery.ts';

const EXPIRE_AT_ONCE = 200;
const PARTS_EVERY_MS = 10 * 60_000;
/** Passes start at least this far apart: hints that come in a burst share one. */
const PASS_GAP_MS = 15;

interface LoopParts {
  leadership: () => Leadership;
  placer: Placer;
  assigner: Assigner;
  settler: Settler;
  holdOffs: HoldOffs;
}

/**
 * The leader's work: a placement pass on every hint, and a sweep now and then that looks at everything.
 *
 *   idle ──hint──▶ passing ──(hints meanwhile: once more)──▶ idle
 *   idle ──sweep due, elected──▶ sweeping + passing ──▶ idle          no lease ⇒ nothing is decided
 */
export class LeaderLoop implements Service {
  readonly name = 'leader loop';
  readonly #deps: Deps;
  readonly #parts: LoopParts;
  readonly #logger: Logger;
  readonly #guard = new ExpiryGuard();
  readonly #ctx = Ctx.root('leader loop');
  readonly #undo: (() => void)[] = [];
  #hints: BusSubscription | undefined;
  #preparedTerm = 0;
  #partsSweptMs: number | null = null;
  #partsSweep: Promise<void> | undefined;
  #sweepMs = 0;
  #endSweeps: () => void = () => {};
  #callOffWake: () => void = () => {};
  #healthy = true;
  #pending: { pass: boolean; sweep: boolean } = { pass: false, sweep: false };
  #running: Promise<void> | undefined;

  constructor(deps: Deps, parts: LoopParts) {
    this.#deps = deps;
    this.#parts = parts;
    this.#logger = deps.logger.child({ part: 'loop' });
  }

  async start(): Promise<void> {
    const { bus } = this.#deps;
    this.#hints = bus.subscribe(subjects.hintPlace, hintSchema, () => this.wake('pass'));
    this.#sweepEvery();
    this.#undo.push(bus.onStatus((status) => {
      if (status === 'reconnected') this.#grace();
    }));
  }

  async stop(): Promise<void> {
    this.#ctx.end();
    this.#hints?.unsubscribe();
    for (const undo of this.#undo.splice(0)) undo();
    this.#endSweeps();
    this.#callOffWake();
    await this.#running;
    await this.#parts.assigner.idle();
    await this.#partsSweep;
  }

  /** The time between sweeps may have changed. Where it has not, the next sweep is not put off. */
  retime(): void {
    if (!this.#ctx.cancelled && this.#deps.timing.sweepMs !== this.#sweepMs) this.#sweepEvery();
  }

  #sweepEvery(): void {
    this.#endSweeps();
    this.#sweepMs = this.#deps.timing.sweepMs;
    this.#endSweeps = this.#deps.clock.every(this.#sweepMs, () => this.wake('sweep'));
  }

  /** Looks at the queue soon; with `sweep` at everything else too. */
  wake(what: 'pass' | 'sweep'): void {
    this.#pending[what] = true;
    if (this.#running || this.#ctx.cancelled) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // Asked for between the last look at the flags and this moment.
      if (this.#pending.pass || this.#pending.sweep) this.wake('pass');
    });
  }

  async #run(): Promise<void> {
    while ((this.#pending.pass || this.#pending.sweep) && !this.#ctx.cancelled) {
      const { sweep } = this.#pending;
      this.#pending = { pass: false, sweep: false };
      const lease = this.#parts.leadership().lease;
      if (lease === null) return;
      await this.#once(lease, sweep);
      this.#wakeAtHoldOffEnd();
      await new Promise<void>((resolve) => {
        this.#deps.clock.after(PASS_GAP_MS, resolve);
      });
    }
  }

  async #once(lease: Lease, sweep: boolean): Promise<void> {
    try {
      if (this.#preparedTerm !== lease.term) await this.#prepare(lease);
      if (sweep) await this.#sweep(lease);
      await this.#parts.placer.pass(lease);
      if (!this.#healthy) this.#logger.info('working again');
      this.#healthy = true;
    } catch (error) {
      this.#parts.placer.forget();
      if (error instanceof LeaseLostError) {
        this.#parts.leadership().deposedBy(lease);
        return;
      }
      // Nodes could not be heard either while the database was away.
      this.#grace();
      if (this.#healthy) this.#logger.error({ err: toError(error) }, 'pass failed');
      this.#healthy = false;
    }
  }

  /** First work of a term. */
  async #prepare(lease: Lease): Promise<void> {
    this.#grace();
    this.#parts.placer.forget();
    this.#partsSweptMs = null;
    await rebuildBookings(this.#deps.sql, lease);
    this.#preparedTerm = lease.term;
  }

  async #sweep(lease: Lease): Promise<void> {
    const { sql, timing, hints } = this.#deps;
    const { silentMs } = timing;
    const decision = this.#guard.decide(this.#deps.clock.monotonicMs(), await countSilent(sql, silentMs));
    if (decision.allowed) {
      const changes = await updateHealth(sql, lease, { silentMs, lostMs: timing.leaseMs });
      for (const { nodeId, from, to } of changes) this.#logger.warn({ nodeId, from, to }, 'node health');
      const lost = await expireLeases(sql, lease, EXPIRE_AT_ONCE);
      for (const { job } of lost) this.#logger.warn({ jobId: job.id, epoch: job.epoch, status: job.status }, 'lease ran out');
      await dropLostParts(this.#deps, lost);
      await expireSessions(sql);
      if (changes.length + lost.length > 0) hints.outbox();
    } else {
      this.#logger.debug({ reason: decision.reason }, 'nothing expires for now');
    }
    await replayIntents(sql, this.#parts.settler, this.#logger, timing.intentMs);
    await this.#parts.assigner.resend();
    this.#sweepPartsNowAndThen();
  }

  /** Beside the passes: a large library takes a while to walk. */
  #sweepPartsNowAndThen(): void {
    const { sql, library, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (this.#partsSweep || (this.#partsSweptMs !== null && nowMs - this.#partsSweptMs < PARTS_EVERY_MS)) return;
    this.#partsSweptMs = nowMs;
    this.#partsSweep = sweepParts(sql, library, this.#logger, () => (this.#ctx.cancelled ? null : this.#parts.leadership().lease))
      .then((removed) => this.#logger.debug({ removed }, 'parts swept'))
      .catch((error: unknown) => this.#logger.warn({ err: toError(error) }, 'parts not swept'))
      .finally(() => {
        this.#partsSweep = undefined;
      });
  }

  /** What was held off may be offered again then. */
  #wakeAtHoldOffEnd(): void {
    const endMs = this.#parts.holdOffs.nextEndMs();
    this.#callOffWake();
    if (endMs !== null) this.#callOffWake = this.#deps.clock.after(Math.max(50, endMs - this.#deps.clock.monotonicMs()), () => this.wake('pass'));
  }

  #grace(): void {
    this.#guard.grace(this.#deps.clock.monotonicMs(), this.#deps.timing.graceMs);
  }
}
