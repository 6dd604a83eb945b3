export interface BucketOptions {
  /** Tries at once. */
  capacity: number;
  /** One try comes back in this time. */
  refillMs: number;
  /** Buckets kept; the fullest go first beyond that. */
  maxKeys: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * A token bucket per key. `take` decides and books in one synchronous step, so that parallel requests cannot all see
 * the same free place.
 */
export class TokenBuckets {
  readonly #options: BucketOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: BucketOptions) {
    this.#options = options;
  }

  /** Takes one try of `key`. Answers 0, or the milliseconds until there is one. */
  take(key: string, nowMs: number): number {
    const bucket = this.#refilled(key, nowMs);
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) * this.#options.refillMs);
    bucket.tokens -= 1;
    return 0;
  }

  /** Gives a try back: it was not a failed one. */
  refund(key: string, nowMs: number): void {
    const bucket = this.#refilled(key, nowMs);
    bucket.tokens = Math.min(this.#options.capacity, bucket.tokens + 1);
  }

  get size(): number {
    return this.#buckets.size;
  }

  #refilled(key: string, nowMs: number): Bucket {
    const { capacity, refillMs, maxKeys } = this.#options;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= maxKeys) this.#makeRoom(nowMs);
      bucket = { tokens: capacity, atMs: nowMs };
      this.#buckets.set(key, bucket);
      return bucket;
    }
    bucket.tokens = Math.min(capacity, bucket.tokens + (nowMs - bucket.atMs) / refillMs);
    bucket.atMs = nowMs;
    return bucket;
  }

  #makeRoom(nowMs: number): void {
    const { capacity, refillMs, maxKeys } = this.#options;
    for (const [key, bucket] of this.#buckets) {
      if (bucket.tokens + (nowMs - bucket.atMs) / refillMs >= capacity) this.#buckets.delete(key);
    }
    // All in use: the oldest go, in order of insertion.
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size < maxKeys * 0.9) break;
      this.#buckets.delete(key);
    }
  }
}
