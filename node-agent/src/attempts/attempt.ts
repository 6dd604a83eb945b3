import type { AttemptRef, DoneReply, JobOutcome, WorkOrder } from '@reelay/contracts';
import { AGENT_JOB_TYPES } from '@reelay/job-types/agent';
import { type Clock, Ctx, errorCode, Finished, LeaseLost, type Logger } from '@reelay/runtime';
import { RemoteError } from '@reelay/runtime/bus';
import { ProcessWatchdog } from '@reelay/runtime/supervisor';
import type { HubClient } from '../hub/hub-client.ts';
import type { JobWorker, WorkerEnd } from '../process/job-worker.ts';
import type { FromJob, JobContext } from '../process/protocol.ts';
import { causeOf, type EndReason, reasonOf } from './end-reason.ts';
import { endLine } from './end-line.ts';
import { LogShipper } from './log-shipper.ts';
import { outcomeOf } from './outcome.ts';
import { ProgressGate } from './progress-gate.ts';

export interface AttemptOptions {
  order: WorkOrder;
  context: JobContext;
  hub: HubClient;
  clock: Clock;
  logger: Logger;
  worker: JobWorker;
  /** Removes part files and scratch of the attempt; `keepParts` when the hub publishes them. */
  cleanUp: (keepParts: boolean) => Promise<void>;
}

export type AttemptState = 'running' | 'ending' | 'reporting' | 'over';

/** The longest wait for the last log lines before the outcome is told. */
const LAST_LOG_MS = 2_000;

/**
 * One attempt of a job on this node.
 *
 *   running ──end()──▶ ending ──┐
 *      │  ⇅ frozen              ├─process gone──▶ reporting ──verdict, or told stale──▶ over
 *      └──────process exits─────┘
 */
export class Attempt {
  readonly ref: AttemptRef;
  readonly order: WorkOrder;
  /** Resolves when nothing of it is left here and the hub knows its outcome. */
  readonly over: Promise<void>;
  /** When the lease was last known to be ours, on the monotonic clock. */
  renewedMs: number;
  /** How long it is ours from then on. */
  leaseMs: number;
  readonly #options: AttemptOptions;
  /** Ends with the attempt: what still waits for the hub gives up. */
  readonly #ctx: Ctx;
  readonly #log: LogShipper;
  readonly #progress: ProgressGate;
  readonly #watchdog: ProcessWatchdog;
  readonly #started: Promise<void>;
  #state: AttemptState = 'running';
  #reason: EndReason | null = null;
  #frozen = false;

  constructor(options: AttemptOptions) {
    const { order, context, hub, clock, worker } = options;
    this.#options = options;
    this.order = order;
    this.ref = { jobId: order.jobId, epoch: order.epoch };
    this.renewedMs = clock.monotonicMs();
    this.leaseMs = order.leaseMs;
    this.#ctx = Ctx.root(`attempt ${order.jobId}/${order.epoch}`);
    this.#log = new LogShipper({
      ctx: this.#ctx, clock,
      deliver: (offset, lines, onFailure) => hub.untilAnswered(this.#ctx, () => hub.log({ ...this.ref, offset, lines }), onFailure),
    });
    this.#progress = new ProgressGate(clock, (progress, checkpoint) => {
      if (this.#state === 'running') hub.progress({ ...this.ref, ...progress, checkpoint });
    });
    this.#watchdog = new ProcessWatchdog({
      clock, stallMs: order.stallMs, limitMs: order.timeLimitMs,
      onStall: (stallMs) => this.end({ kind: 'stalled', stallMs }),
      onLimit: (limitMs) => this.end({ kind: 'time_limit', limitMs }),
    });
    worker.give(order, context, (message) => this.#receive(message));
    this.#started = this.#tellStarted();
    // Looked at when the outcome is told; until then a failure is not unhandled.
    this.#started.catch(() => {});
    this.over = this.#live();
  }

  get state(): AttemptState {
    return this.#state;
  }

  get process(): { id: string; pid: number } {
    return { id: this.#options.worker.processId, pid: this.#options.worker.pid };
  }

  get effects(): 'batches' | 'parts' {
    return AGENT_JOB_TYPES[this.order.type]?.effects ?? 'batches';
  }

  /** Resolves when its processes are gone; what is left is telling the hub. */
  get exited(): Promise<WorkerEnd> {
    return this.#options.worker.ended;
  }

  /** True while its process may be alive: it takes a slot and memory. */
  get occupies(): boolean {
    return this.#state === 'running' || this.#state === 'ending';
  }

  /** Ends it; the first reason wins, except that `stale` also stops the reporting. `graceMs` from TERM to KILL. Does not wait. */
  end(reason: EndReason, graceMs?: number): void {
    if (reason.kind === 'stale' && this.#state !== 'over') {
      this.#reason = reason;
      this.#ctx.cancel(new LeaseLost(this.ref));
    }
    if (this.#state !== 'running') return;
    this.#state = 'ending';
    this.#reason = reason;
    this.#frozen = false;
    this.#options.logger.debug({ ...this.ref, reason: reason.kind }, 'ending a job');
    void this.#options.worker.terminate(causeOf(reason, this.order), graceMs);
  }

  /** Gives up telling the hub; for a node that must stop now. */
  abandon(cause: Error): void {
    this.#ctx.cancel(cause);
  }

  /** Stops it in its tracks: process group, watchdog and time limit. False when it does not run. */
  freeze(): boolean {
    if (this.#state !== 'running' || !this.#options.worker.freeze()) return false;
    if (!this.#frozen) this.#watchdog.hold();
    this.#frozen = true;
    return true;
  }

  /** The hub's word on it, should a pause or resume have been lost on the way. */
  setFrozen(frozen: boolean): void {
    if (frozen === this.#frozen) return;
    if (frozen) this.freeze();
    else this.thaw();
  }

  thaw(): boolean {
    if (this.#state !== 'running' || !this.#options.worker.thaw()) return false;
    if (this.#frozen) {
      this.#watchdog.release();
      this.#watchdog.touch();
    }
    this.#frozen = false;
    return true;
  }

  #receive(message: FromJob): void {
    this.#watchdog.touch();
    if (message.kind === 'log') this.#log.add(message.line);
    else if (message.kind === 'progress') this.#progress.offer(message.progress);
  }

  /** Asks until the hub answers; a job that waits for that is not hung. */
  async #tellStarted(): Promise<void> {
    const { hub, worker } = this.#options;
    const { current } = await hub.untilAnswered(this.#ctx, () => hub.started(this.ref), () => this.#watchdog.touch());
    if (current) worker.tellStarted();
    else this.end({ kind: 'stale', why: 'the hub gave the job to another attempt' });
  }

  async #live(): Promise<void> {
    const { worker, logger, cleanUp } = this.#options;
    const ended = await worker.ended;
    this.#watchdog.stop();
    this.#progress.close();
    this.#state = 'reporting';
    this.#reason ??= reasonOf(ended.exit.cause);
    const outcome = outcomeOf(ended, this.#reason);
    logger.info(endLine(this.order, ended, this.#reason, outcome), 'job ended');
    if (outcome?.kind !== 'completed') await this.#clean(() => cleanUp(false));
    const settled = outcome !== null && (await this.#report(outcome));
    await this.#clean(() => cleanUp(settled));
    this.#ctx.cancel(new Finished());
    this.#state = 'over';
  }

  /** Tells the outcome until the hub gives a verdict. False: nothing of this attempt counts. */
  async #report(outcome: JobOutcome): Promise<boolean> {
    try {
      await this.#started;
      if (this.#reason?.kind === 'stale') return false;
      await this.#lastLog();
      const { verdict } = await this.#tellDone(outcome);
      return verdict === 'settled' && outcome.kind === 'completed';
    } catch (error) {
      if (!this.#ctx.cancelled) this.#options.logger.error({ ...this.ref, err: error }, 'the outcome of a job could not be told');
      return false;
    }
  }

  /** The log should be there when the job is shown as ended; but it does not hold up the outcome for long. */
  #lastLog(): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#options.clock.after(LAST_LOG_MS, resolve);
      void this.#log.flush().finally(() => {
        callOff();
        resolve();
      });
    });
  }

  async #tellDone(outcome: JobOutcome): Promise<DoneReply> {
    const { hub } = this.#options;
    try {
      return await hub.untilAnswered(this.#ctx, () => hub.done({ ...this.ref, outcome }), giveUpWhenRefused);
    } catch (error) {
      if (this.#ctx.cancelled || outcome.kind !== 'completed') throw error;
      const refused: JobOutcome = { kind: 'failed', error: { code: 'result_refused', message: 'The hub could not read the result of the job.', retryable: false } };
      this.#options.logger.error({ ...this.ref, err: error }, 'the hub refuses the result of a job');
      await hub.untilAnswered(this.#ctx, () => hub.done({ ...this.ref, outcome: refused }), giveUpWhenRefused);
      return { ok: true, verdict: 'stale' };
    }
  }

  async #clean(fn: () => Promise<void>): Promise<void> {
    try {
      await fn();
    } catch (error) {
      this.#options.logger.warn({ ...this.ref, err: error }, 'files of a job could not be removed');
    }
  }
}

/** The same message will never be taken, however often it is sent. */
function giveUpWhenRefused(error: unknown): void {
  if (errorCode(error) === 'message_too_large' || (error instanceof RemoteError && error.remoteCode === 'bad_message')) throw error;
}
