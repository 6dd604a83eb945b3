import type { Clock } from '@reelay/runtime';
import type { JobProgress } from '../process/protocol.ts';

const SPACING_MS = 250;
const CHECKPOINT_MS = 5_000;
const CHECKPOINT_PERCENT = 5;

/** Lets at most four reports a second through; the latest wins. Marks one as checkpoint every 5 % or 5 s. */
export class ProgressGate {
  readonly #clock: Clock;
  readonly #send: (progress: JobProgress, checkpoint: boolean) => void;
  #latest: JobProgress | undefined;
  #sentMs = -Infinity;
  #checkpointMs: number;
  #checkpointPercent = 0;
  #callOff: (() => void) | undefined;

  constructor(clock: Clock, send: (progress: JobProgress, checkpoint: boolean) => void) {
    this.#clock = clock;
    this.#send = send;
    this.#checkpointMs = clock.monotonicMs();
  }

  offer(progress: JobProgress): void {
    this.#latest = progress;
    if (this.#callOff) return;
    const waitMs = this.#sentMs + SPACING_MS - this.#clock.monotonicMs();
    if (waitMs <= 0) this.#pass();
    else this.#callOff = this.#clock.after(waitMs, () => this.#pass());
  }

  /** Nothing more is sent. */
  close(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#latest = undefined;
  }

  #pass(): void {
    this.#callOff = undefined;
    const progress = this.#latest;
    if (!progress) return;
    this.#latest = undefined;
    const nowMs = this.#clock.monotonicMs();
    const checkpoint = progress.percent - this.#checkpointPercent >= CHECKPOINT_PERCENT || nowMs - this.#checkpointMs >= CHECKPOINT_MS;
    if (checkpoint) {
      this.#checkpointMs = nowMs;
      this.#checkpointPercent = progress.percent;
    }
    this.#sentMs = nowMs;
    this.#send(progress, checkpoint);
  }
}
