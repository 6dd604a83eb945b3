import { write } from 'node:fs';
import { type Clock, systemClock } from './clock.ts';
import { errorCode } from './errors.ts';

/** Where lines go. */
export interface LogTarget {
  fd(): number;
  /** Called before so many bytes are written; the descriptor may be another one afterwards. */
  beforeWrite?(bytes: number): void;
}

export interface LogWriterOptions {
  target: LogTarget;
  /** Lines beyond this much that is not written yet are dropped. */
  maxUnwrittenBytes?: number | undefined;
  clock?: Clock | undefined;
}

const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;
const BATCH_BYTES = 64 * 1024;
const RETRY_MS = 20;
/** Each write wakes another thread: a third of a segment's cost, when each of a thousand lines a second had one of its own (measured). */
const GATHER_MS = 20;
/** The reader, or the terminal, is gone for good. */
const NOBODY_READS = new Set(['EPIPE', 'EIO', 'EBADF', 'ECONNRESET', 'ENXIO']);

/**
 * Writes log lines in order without ever blocking or throwing: a reader who stops reading costs lines, a full disk
 * costs the lines of that time, a reader who is gone costs all of them.
 *
 *   idle ──write()──▶ writing ──▶ gathering ──20 ms, or flush──▶ nothing came: idle
 *                        ▲                           └──more came──▶ writing ──nobody reads──▶ broken: everything is dropped
 *                        └───────────────────────────────────────────┘
 */
export class LogWriter {
  /** Told when writing works again after lines were lost. */
  onRecovered: (lost: number) => void = () => {};
  readonly #target: LogTarget;
  readonly #maxUnwrittenBytes: number;
  readonly #clock: Clock;
  #lines: string[] = [];
  #unwrittenBytes = 0;
  #lost = 0;
  #writing = false;
  /** Calls off the wait for more lines. */
  #gathering: (() => void) | null = null;
  #broken = false;
  #waiting: (() => void)[] = [];

  constructor({ target, maxUnwrittenBytes = MAX_UNWRITTEN_BYTES, clock = systemClock }: LogWriterOptions) {
    this.#target = target;
    this.#maxUnwrittenBytes = maxUnwrittenBytes;
    this.#clock = clock;
  }

  /** Lines that nobody will read. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#broken || this.#unwrittenBytes + line.length > this.#maxUnwrittenBytes) {
      this.#lost += 1;
      return;
    }
    this.#lines.push(line);
    this.#unwrittenBytes += line.length;
    if (!this.#writing && this.#gathering === null) this.#writeNext();
  }

  /** Calls `fn` when every line so far is written or given up. */
  flush(fn: () => void): void {
    this.#gathering?.();
    this.#gathering = null;
    if (!this.#writing && this.#lines.length > 0) this.#writeNext();
    if (this.#writing) this.#waiting.push(fn);
    else fn();
  }

  #written(): void {
    if (this.#lines.length > 0 && this.#waiting.length > 0) {
      this.#writeNext();
      return;
    }
    this.#writing = false;
    for (const fn of this.#waiting.splice(0)) fn();
    this.#gathering = this.#clock.after(GATHER_MS, () => {
      this.#gathering = null;
      if (this.#lines.length > 0) this.#writeNext();
    });
  }

  #writeNext(): void {
    this.#writing = true;
    const batch: string[] = [];
    for (let length = 0; length < BATCH_BYTES && this.#lines.length > batch.length; length += batch.at(-1)?.length ?? 0) batch.push(this.#lines[batch.length] ?? '');
    this.#lines.splice(0, batch.length);
    const text = batch.join('');
    const bytes = Buffer.from(text);
    this.#target.beforeWrite?.(bytes.length);
    this.#writeAll(bytes, (error) => {
      this.#unwrittenBytes -= text.length;
      this.#ended(error, batch.length);
      this.#written();
    });
  }

  #writeAll(bytes: Buffer, done: (error: unknown) => void): void {
    write(this.#target.fd(), bytes, (error, written) => {
      if (errorCode(error) === 'EAGAIN') this.#clock.after(RETRY_MS, () => this.#writeAll(bytes, done));
      else if (error || written >= bytes.length) done(error);
      else this.#writeAll(bytes.subarray(written), done);
    });
  }

  #ended(error: unknown, lines: number): void {
    if (!error) {
      const lost = this.#lost;
      this.#lost = 0;
      if (lost > 0) this.onRecovered(lost);
      return;
    }
    this.#lost += lines;
    if (!NOBODY_READS.has(errorCode(error) ?? '')) return;
    this.#broken = true;
    this.#lost += this.#lines.splice(0).length;
    this.#unwrittenBytes = 0;
  }
}

/** This process's own standard output. */
export function stdoutTarget(): LogTarget {
  return { fd: () => 1 };
}
