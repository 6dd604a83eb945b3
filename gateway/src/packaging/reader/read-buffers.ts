import { systemClock, type Clock } from '@reelay/runtime';

export interface ReadBuffersOptions {
  /** How many are kept. */
  readonly count: number;
  /** Size of each; what is read in one go is no longer, as a rule. */
  readonly bytes: number;
  /** How long somebody waits for one in use, in ms, before new memory is taken. */
  readonly patienceMs: number;
  readonly clock: Clock;
}

/**
 * Memory that packets are read into, used again and again. V8 collects garbage after every 64 MB of new buffers, in the
 * middle of whatever goes on: sixteen films opened at once read 96 MB and write as much. Whoever finds all of it in use waits a
 * moment, because the others only read and cut; a disk that hangs holds others up by no more than that moment.
 *
 *   spare ──lend──▶ lent ──give back──▶ handed to who waits longest, or spare
 */
export class ReadBuffers {
  readonly #options: ReadBuffersOptions;
  readonly #spare: Uint8Array[] = [];
  /** Who waits, longest first. */
  readonly #waiting = new Set<(buffer: Uint8Array | null) => void>();
  #made = 0;

  constructor(options: ReadBuffersOptions) {
    this.#options = options;
  }

  /** Lends memory for the time of `use`; nothing read into it may be looked at afterwards. */
  async lendFor<T>(use: (lease: ReadLease) => Promise<T>): Promise<T> {
    const lease = new ReadLease(this);
    try {
      return await use(lease);
    } finally {
      lease.release();
    }
  }

  /** One of the buffers; null when `length` is not what they are for, or none is free in time. */
  async lend(length: number, mayWait: boolean): Promise<Uint8Array | null> {
    const { count, bytes, patienceMs, clock } = this.#options;
    if (length > bytes || length < bytes / 64) return null;
    const spare = this.#spare.pop();
    if (spare) return spare;
    if (this.#made < count) {
      this.#made += 1;
      return newMemory(bytes);
    }
    if (!mayWait) return null;
    return new Promise((resolve) => {
      const callOff = clock.after(patienceMs, () => take(null));
      const take = (buffer: Uint8Array | null): void => {
        callOff();
        this.#waiting.delete(take);
        resolve(buffer);
      };
      this.#waiting.add(take);
    });
  }

  giveBack(buffer: Uint8Array): void {
    const [longest] = this.#waiting;
    if (longest) longest(buffer);
    else this.#spare.push(buffer);
  }
}

/** What one reader has been lent. */
export class ReadLease {
  readonly #buffers: ReadBuffers;
  readonly #lent: Uint8Array[] = [];
  #hasAsked = false;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
  }

  /** Memory for `length` bytes, not zeroed. Only the first may be waited for: who holds some could wait for others who do, and who has waited in vain would do so for each read. */
  async take(length: number): Promise<Uint8Array> {
    const mayWait = !this.#hasAsked;
    this.#hasAsked = true;
    const buffer = await this.#buffers.lend(length, mayWait);
    if (!buffer) return newMemory(length);
    this.#lent.push(buffer);
    return buffer.subarray(0, length);
  }

  release(): void {
    for (const buffer of this.#lent.splice(0)) this.#buffers.giveBack(buffer);
  }
}

/** Not zeroed: it is filled, or not handed out. */
export function newMemory(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

/** Of the whole process. One read is up to 8 MB and one packet long. */
export const readBuffers = new ReadBuffers({ count: 4, bytes: 9 * 1024 * 1024, patienceMs: 250, clock: systemClock });
