import type { Clock } from '../clock.ts';

export interface WatchdogOptions {
  clock: Clock;
  stallMs?: number | undefined;
  limitMs?: number | undefined;
  /** True while the child waits for us, not we for it. */
  isBackpressured?: (() => boolean) | undefined;
  onStall: (stallMs: number) => void;
  onLimit: (limitMs: number) => void;
}

const MAX_TICK_MS = 1_000;

/**
 * Ages a child in ticks, not by the time of day: when this process itself stood still (SIGSTOP, a suspended
 * host), the jump counts as at most two ticks, so a frozen job is not declared hung when it is thawed.
 */
export class ProcessWatchdog {
  readonly #options: WatchdogOptions;
  readonly #tickMs: number;
  #callOff: (() => void) | undefined;
  #lastMs: number;
  #silentMs = 0;
  #ageMs = 0;
  #held = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const shortest = Math.min(options.stallMs ?? Infinity, options.limitMs ?? Infinity);
    this.#tickMs = Math.max(10, Math.min(MAX_TICK_MS, shortest / 4));
    this.#lastMs = options.clock.monotonicMs();
    if (Number.isFinite(shortest)) this.#callOff = options.clock.every(this.#tickMs, () => this.#tick());
  }

  /** Progress was made. */
  touch(): void {
    this.#silentMs = 0;
  }

  /** Stands still until `release()`. */
  hold(): void {
    this.#account();
    this.#held = true;
  }

  release(): void {
    this.#account();
    this.#held = false;
  }

  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }

  #account(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const passedMs = Math.min(nowMs - this.#lastMs, 2 * this.#tickMs);
    this.#lastMs = nowMs;
    if (this.#held) return;
    this.#ageMs += passedMs;
    this.#silentMs = this.#options.isBackpressured?.() ? 0 : this.#silentMs + passedMs;
  }

  #tick(): void {
    this.#account();
    const { stallMs, limitMs, onStall, onLimit } = this.#options;
    if (this.#held) return;
    if (limitMs !== undefined && this.#ageMs >= limitMs) {
      this.stop();
      onLimit(limitMs);
    } else if (stallMs !== undefined && this.#silentMs >= stallMs) {
      this.stop();
      onStall(stallMs);
    }
  }
}
