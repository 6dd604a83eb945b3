import type { LogLine } from '@reelay/contracts';
import { type Clock, type Ctx, errorCode } from '@reelay/runtime';
import { RemoteError } from '@reelay/runtime/bus';

export interface LogShipperOptions {
  ctx: Ctx;
  clock: Clock;
  /** Sends a batch and resolves when the hub has it; repeats by itself. `offset` is the number of the first line. */
  deliver: (offset: number, lines: LogLine[], onFailure: (error: unknown) => void) => Promise<void>;
}

const BATCH_MS = 250;
const BATCH_LINES = 500;
const BATCH_CHARS = 200_000;
const MAX_LINES = 10_000;
const MAX_CHARS = 4_000_000;

/**
 * The log of one attempt on its way to the hub: in batches every 250 ms, resent until acknowledged, one at a time. While the
 * hub is away it keeps a bounded number of lines; what comes after that is counted.
 */
export class LogShipper {
  readonly #options: LogShipperOptions;
  readonly #lines: LogLine[] = [];
  #chars = 0;
  #offset = 0;
  #dropped = 0;
  #sending: Promise<void> | undefined;
  #callOff: (() => void) | undefined;

  constructor(options: LogShipperOptions) {
    this.#options = options;
  }

  add(line: LogLine): void {
    if (this.#lines.length >= MAX_LINES || this.#chars > MAX_CHARS) {
      this.#dropped += 1;
      return;
    }
    this.#noteDropped(line.at);
    this.#lines.push(line);
    this.#chars += line.text.length;
    this.#callOff ??= this.#options.clock.after(BATCH_MS, () => void this.flush());
  }

  /** Resolves when all lines so far are acknowledged or the attempt's context ends; never rejects. */
  flush(): Promise<void> {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#lines.length > 0 && !this.#options.ctx.cancelled) {
      const batch = this.#nextBatch();
      try {
        await this.#options.deliver(this.#offset, batch, giveUpOnRefusal);
      } catch {
        if (this.#options.ctx.cancelled) return;
        // The hub does not want these lines; the rest may fare better.
      }
      this.#lines.splice(0, batch.length);
      this.#chars -= charsOf(batch);
      this.#offset += batch.length;
    }
  }

  #nextBatch(): LogLine[] {
    const batch: LogLine[] = [];
    let chars = 0;
    for (const line of this.#lines) {
      if (batch.length >= BATCH_LINES || (batch.length > 0 && chars + line.text.length > BATCH_CHARS)) break;
      batch.push(line);
      chars += line.text.length;
    }
    return batch;
  }

  #noteDropped(at: string): void {
    if (this.#dropped === 0) return;
    this.#lines.push({ at, stream: 'job', text: `(${this.#dropped} lines were not kept while the hub was away)` });
    this.#dropped = 0;
  }
}

const charsOf = (lines: readonly LogLine[]): number => lines.reduce((sum, line) => sum + line.text.length, 0);

function giveUpOnRefusal(error: unknown): void {
  if (errorCode(error) === 'message_too_large' || (error instanceof RemoteError && error.remoteCode === 'bad_message')) throw error;
}
