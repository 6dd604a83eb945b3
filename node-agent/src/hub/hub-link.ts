import type { AttemptRef, Heartbeat, HeartbeatReply, Hello, HelloReply } from '@reelay/contracts';
import { type Clock, Ctx, errorCode, type Logger, Shutdown, toError } from '@reelay/runtime';
import type { HubClient } from './hub-client.ts';

export interface HubLinkOptions {
  hub: Pick<HubClient, 'hello' | 'heartbeat' | 'untilAnswered'>;
  clock: Clock;
  logger: Logger;
  /** Called before each hello and heartbeat. */
  describe: () => Promise<Omit<Hello, 'v' | 'incarnation'>>;
  pulse: () => Promise<Omit<Heartbeat, 'v' | 'incarnation'>>;
  onWelcome: (reply: HelloReply) => void;
  /** `sentMs`: when the heartbeat left, on the monotonic clock; leases are counted from there. */
  onHeartbeat: (reply: HeartbeatReply, sentMs: number, sent: readonly AttemptRef[]) => void;
  onSuperseded: () => void;
  /** The longest a heartbeat may be put off, whatever the hub's pace: a part of the shortest lease held. */
  longestPauseMs: () => number;
  /** True when what hello said has changed. */
  mustIntroduceAgain: () => Promise<boolean>;
  /** Wakes the loop when the connection is back. */
  onReconnected: (fn: () => void) => () => void;
}

/**
 * Keeps the hub informed that this node is there.
 *
 *   introducing ──hello answered──▶ beating ──not known──▶ introducing
 *        ▲                            │ │ └──superseded──▶ ended
 *        └──────facts have changed────┘ └──stop()──▶ ended
 */
export class HubLink {
  readonly #options: HubLinkOptions;
  readonly #ctx = Ctx.root('hub link');
  #running: Promise<void> | undefined;
  #heartbeatMs = 3_000;
  /** Ends the pause; null while there is none. */
  #wake: (() => void) | null = null;
  #silent = false;
  #beatAtOnce = false;
  #mustIntroduce = false;

  constructor(options: HubLinkOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#ctx.cancel(new Shutdown('the node stops'));
    this.#wake?.();
    await this.#running;
  }

  /** Sends a heartbeat now, or right after the one under way. */
  beatNow(): void {
    if (this.#wake === null) this.#beatAtOnce = true;
    else this.#wake();
  }

  /** Says hello again: what the node said of itself has changed. */
  introduceAgain(): void {
    this.#mustIntroduce = true;
    this.beatNow();
  }

  /** The pace may be too slow for a lease that was just taken. */
  checkPace(): void {
    if (this.#options.longestPauseMs() < this.#heartbeatMs) this.beatNow();
  }

  async #run(): Promise<void> {
    const forget = this.#options.onReconnected(() => this.#wake?.());
    try {
      while (!this.#ctx.cancelled) {
        await this.#introduce();
        await this.#keepBeating();
      }
    } catch (error) {
      if (!this.#ctx.cancelled) throw error;
    } finally {
      forget();
    }
  }

  async #introduce(): Promise<void> {
    const { hub, describe, onWelcome, logger } = this.#options;
    const reply = await hub.untilAnswered(this.#ctx, async () => {
      this.#mustIntroduce = false;
      return hub.hello(await describe());
    }, (error) => this.#isSilent(error));
    this.#heard();
    this.#heartbeatMs = reply.heartbeatMs;
    logger.info({ heartbeatMs: reply.heartbeatMs, leaseMs: reply.leaseMs, adminState: reply.adminState }, 'welcomed by the hub');
    onWelcome(reply);
  }

  /** Until hello must be said again (or nothing more). */
  async #keepBeating(): Promise<void> {
    while (!this.#ctx.cancelled) {
      const next = await this.#beat();
      if (next === 'introduce') return;
      if (next === 'pause') await this.#pause();
    }
  }

  async #beat(): Promise<'pause' | 'again' | 'introduce'> {
    const { hub, pulse, clock, logger, onHeartbeat, onSuperseded, mustIntroduceAgain } = this.#options;
    try {
      const message = await pulse();
      const sentMs = clock.monotonicMs();
      const reply = await hub.heartbeat(message);
      this.#heard();
      if (reply.heartbeatMs !== undefined) this.#heartbeatMs = reply.heartbeatMs;
      if (reply.superseded) {
        this.#ctx.cancel(new Shutdown('another agent with this node id took over'));
        onSuperseded();
        return 'introduce';
      }
      onHeartbeat(reply, sentMs, message.running);
      if (!reply.known) logger.warn('the hub does not know this node any more');
      return reply.known && !this.#mustIntroduce && !(await mustIntroduceAgain()) ? 'pause' : 'introduce';
    } catch (error) {
      this.#isSilent(error);
      // It may have gone to a scheduler that stands still; the next one may go to another.
      return errorCode(error) === 'request_timeout' ? 'again' : 'pause';
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      // A stop that came while a beat was under way has nobody to wake.
      if (this.#beatAtOnce || this.#ctx.cancelled) {
        this.#beatAtOnce = false;
        resolve();
        return;
      }
      const end = (): void => {
        callOff();
        this.#wake = null;
        resolve();
      };
      const callOff = this.#options.clock.after(Math.min(this.#heartbeatMs, this.#options.longestPauseMs()), end);
      this.#wake = end;
    });
  }

  /** One line when the hub falls silent, one when it is back. */
  #isSilent(error: unknown): void {
    if (!this.#silent && !this.#ctx.cancelled) this.#options.logger.warn({ err: toError(error) }, 'the hub does not answer');
    this.#silent = true;
  }

  #heard(): void {
    if (this.#silent) this.#options.logger.info('the hub answers again');
    this.#silent = false;
  }
}
