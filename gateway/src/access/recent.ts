import type { Clock } from '@reelay/runtime';

export interface RecentOptions<V> {
  /** Asks for the value; null when there is none, which is never remembered. */
  ask: (key: string) => Promise<V | null>;
  clock: Clock;
  /** So long a value is taken as it is. */
  freshMs: number;
  /** So long it is taken while it is asked for anew beside; afterwards whoever wants it waits. */
  maxMs: number;
  maxKeys: number;
}

interface Known<V> {
  readonly value: V;
  readonly askedMs: number;
}

/**
 * Answers of the database that many requests need, for seconds. Whoever comes while a key is asked for joins.
 *
 *   unknown ──get──▶ asking ──answer──▶ fresh ──freshMs──▶ ageing: taken, and asked anew ──maxMs──▶ unknown
 *      ▲                └──null, failure, forgotten meanwhile──▶ unknown          │
 *      └───────────────────────────forget──────────────────────────────────────┘
 *
 * The age counts from before the question, so a value is never older than it says.
 */
export class Recent<V> {
  readonly #options: RecentOptions<V>;
  /** Last in the map = asked last. */
  readonly #known = new Map<string, Known<V>>();
  readonly #asking = new Map<string, Promise<V | null>>();

  constructor(options: RecentOptions<V>) {
    this.#options = options;
  }

  /** @throws what asking throws */
  get(key: string): Promise<V | null> {
    const known = this.#known.get(key);
    if (known === undefined) return this.#ask(key);
    const { clock, freshMs, maxMs } = this.#options;
    const ageMs = clock.monotonicMs() - known.askedMs;
    if (ageMs >= maxMs) return this.#ask(key);
    // A failure is seen by whoever comes when the value is too old.
    if (ageMs >= freshMs) this.#ask(key).catch(() => undefined);
    return Promise.resolve(known.value);
  }

  /** What is being asked for this key right now counts no longer either. */
  forget(key: string): void {
    this.#known.delete(key);
    this.#asking.delete(key);
  }

  clear(): void {
    this.#known.clear();
    this.#asking.clear();
  }

  #ask(key: string): Promise<V | null> {
    const underway = this.#asking.get(key);
    if (underway !== undefined) return underway;
    const askedMs = this.#options.clock.monotonicMs();
    const asking = this.#options.ask(key).then(
      (value) => {
        if (this.#asking.get(key) === asking) this.#keep(key, value, askedMs);
        return value;
      },
      (error: unknown) => {
        if (this.#asking.get(key) === asking) this.#asking.delete(key);
        throw error;
      },
    );
    this.#asking.set(key, asking);
    return asking;
  }

  #keep(key: string, value: V | null, askedMs: number): void {
    this.#asking.delete(key);
    this.#known.delete(key);
    if (value === null) return;
    this.#known.set(key, { value, askedMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#options.maxKeys && oldest !== undefined) this.#known.delete(oldest);
  }
}
