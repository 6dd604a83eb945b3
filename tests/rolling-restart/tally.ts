/** What clients met: every answer that is no 2xx and every broken connection counts, whatever came of it afterwards. */
export interface Failure {
  readonly atMs: number;
  readonly kind: string;
  readonly what: string;
}

export class Tally {
  readonly failures: Failure[] = [];
  readonly #counts = new Map<string, number>();
  readonly #longestMs = new Map<string, number>();
  readonly #startedMs = performance.now();

  /** A request that was answered as it should be. */
  ok(kind: string, tookMs: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.#longestMs.set(kind, Math.max(this.#longestMs.get(kind) ?? 0, tookMs));
  }

  failed(kind: string, what: string): void {
    this.failures.push({ atMs: Math.round(performance.now() - this.#startedMs), kind, what });
  }

  /** Milliseconds since the start. */
  get nowMs(): number {
    return Math.round(performance.now() - this.#startedMs);
  }

  summary(): { requests: Record<string, number>; longestMs: Record<string, number>; failed: number; failures: Record<string, number> } {
    const failures: Record<string, number> = {};
    for (const { kind, what } of this.failures) failures[`${kind}: ${what}`] = (failures[`${kind}: ${what}`] ?? 0) + 1;
    return {
      requests: Object.fromEntries(this.#counts),
      longestMs: Object.fromEntries([...this.#longestMs].map(([kind, ms]) => [kind, Math.round(ms)])),
      failed: this.failures.length, failures,
    };
  }
}

const reasonOf = (error: unknown): string => {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
};

/** One request, counted. Null when it failed: no answer, half an answer, or not a 2xx. */
export const ask = async (tally: Tally, kind: string, url: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<{ headers: Headers; body: Buffer } | null> => {
  const startedMs = performance.now();
  try {
    const response = await fetch(url, init);
    const body = Buffer.from(await response.arrayBuffer());
    if (!response.ok) {
      tally.failed(kind, `${response.status} ${body.subarray(0, 100).toString().replaceAll('\n', ' ')}`);
      return null;
    }
    tally.ok(kind, performance.now() - startedMs);
    return { headers: response.headers, body };
  } catch (error) {
    tally.failed(kind, reasonOf(error));
    return null;
  }
};
