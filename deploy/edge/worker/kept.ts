/** An answer that may be given to everybody who may see the video. */
export interface Kept {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As the gateway sent them, without what was its word to us. */
  readonly headers: ReadonlyArray<readonly [string, string]>;
  /** Unix time. */
  readonly freshUntilMs: number;
}

/** The gateway's headers as they were: a cache adds its own to those it gives back, and judges by some of them. */
const HEADERS = 'x-reelay-headers';
const AT = 'x-reelay-fresh-until';
/** What is past its time stays for so long: it is sent once more while it is fetched anew, and when no gateway is there. */
const STALE_SECONDS = 86_400;

/**
 * Memory of this isolate, up to a number of bytes, and behind it the runtime's own cache where there is one. Runtimes pass
 * over failures of their cache in silence, so nothing may depend on it.
 */
export class Shelf {
  readonly #cache: Cache | null;
  readonly #maxBytes: number;
  /** Last in the map = used last. */
  readonly #memory = new Map<string, Kept>();
  #bytes = 0;

  constructor(cache: Cache | null, maxBytes: number) {
    this.#cache = cache;
    this.#maxBytes = maxBytes;
  }

  /** What is past its time, too, when there is nothing newer. `nowMs` is Unix time. */
  async find(path: string, nowMs: number): Promise<Kept | null> {
    const here = this.#memory.get(path);
    if (here !== undefined) {
      this.#memory.delete(path);
      this.#memory.set(path, here);
      if (nowMs < here.freshUntilMs) return here;
    }
    const there = await this.#inCache(path);
    if (there === null || (here !== undefined && here.freshUntilMs >= there.freshUntilMs)) return here ?? null;
    this.#keepHere(path, there);
    return there;
  }

  async keep(path: string, kept: Kept, nowMs: number): Promise<void> {
    this.#keepHere(path, kept);
    // Whatever its rule for browsers says: it is ours to keep, for each viewer is checked.
    const headers = {
      'cache-control': `public, max-age=${Math.ceil((kept.freshUntilMs - nowMs) / 1000) + STALE_SECONDS}`,
      [AT]: String(kept.freshUntilMs), [HEADERS]: JSON.stringify(kept.headers),
    };
    await this.#cache?.put(keyOf(path), new Response(kept.bytes, { headers })).catch(() => undefined);
  }

  async #inCache(path: string): Promise<Kept | null> {
    const found = await this.#cache?.match(keyOf(path)).catch(() => undefined);
    const headers = found?.headers.get(HEADERS) ?? null;
    if (found === undefined || headers === null) return null;
    return { bytes: new Uint8Array(await found.arrayBuffer()), freshUntilMs: Number(found.headers.get(AT)), headers: JSON.parse(headers) as Kept['headers'] };
  }

  #keepHere(path: string, kept: Kept): void {
    // One that is larger than all of it would only push out the others.
    if (kept.bytes.length > this.#maxBytes) return;
    this.#bytes += kept.bytes.length - (this.#memory.get(path)?.bytes.length ?? 0);
    this.#memory.delete(path);
    this.#memory.set(path, kept);
    for (const [oldest, { bytes }] of this.#memory) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#memory.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}

/** Without host, query and token: none of them changes what is answered. */
const keyOf = (path: string): string => `https://reelay-edge.invalid${path}`;
