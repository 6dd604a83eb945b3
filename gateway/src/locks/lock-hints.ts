import { hintSchema, PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import type { Clock, Ctx, Service } from '@reelay/runtime';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';

/**
 * Wakes those who wait for a file, and those who read one, when something may have changed: a lock anywhere, or a job.
 * A lost hint costs the time of one poll.
 */
export class LockHints implements Service {
  readonly name = 'lock hints';
  readonly #options: { bus: Bus; clock: Clock };
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<() => void>();
  #subscriptions: BusSubscription[] = [];
  #stopped = false;
  #count = 0;

  constructor(options: { bus: Bus; clock: Clock }) {
    this.#options = options;
  }

  /** True once the gateway stops: nobody should go on waiting. */
  get stopped(): boolean {
    return this.#stopped;
  }

  async start(_ctx: Ctx): Promise<void> {
    const { bus } = this.#options;
    this.#subscriptions = [
      bus.subscribe(subjects.hintLocks, hintSchema, () => {
        for (const listener of this.#listeners) listener();
        this.#wake();
      }),
      bus.subscribe(subjects.hintOutbox, hintSchema, () => this.#wake()),
    ];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#wake();
  }

  /** Calls `fn` when a lock changed somewhere. Returns how to end that. */
  onChange(fn: () => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** Hints so far. Take it before looking at what may change, and none is missed. */
  get count(): number {
    return this.#count;
  }

  /** Resolves with the first hint after `seen`, but no later than `ms`, or when `signal` aborts. */
  next(seen: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#stopped || seen !== this.#count) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        callOff();
        signal.removeEventListener('abort', finish);
        this.#waiting.delete(finish);
        resolve();
      };
      const callOff = this.#options.clock.after(ms, finish);
      signal.addEventListener('abort', finish, { once: true });
      this.#waiting.add(finish);
    });
  }

  /** Tells every gateway, this one included, that a file is waited for, or free again. */
  tell(): void {
    try {
      if (this.#options.bus.publish(subjects.hintLocks, { v: PROTOCOL_VERSION })) return;
    } catch {
      // Closing: the others poll.
    }
    for (const listener of this.#listeners) listener();
    this.#wake();
  }

  #wake(): void {
    this.#count += 1;
    // Each takes itself out, which a Set allows while it is walked.
    for (const finish of this.#waiting) finish();
  }
}
