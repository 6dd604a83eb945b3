/** An answer that may be given to everybody who may see the video. */
export interface Kept {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As the gateway sent them, without what was its word to us. */
  readonly headers: ReadonlyArray<readonly [string, string]>;
  /** Unix time. */
  readonly freshUntilMs: number;
}

const AT = 'x-reelay-fresh-until';
/** What is past its time stays for so long: it is sent once more while it is fetched anew, and when no gateway is there. */
const STALE_SECONDS = 86_400;

/** The runtime's own cache where it has one, else memory of this isolate, up to a number of bytes. */
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

  async find(path: string): Promise<Kept | null> {
    const there = this.#memory.get(path);
    if (there !== undefined) {
      this.#memory.delete(path);
      this.#memory.set(path, there);
      return there;
    }
    const found = await this.#cache?.match(keyOf(path)).catch(() => undefined);
    if (found === undefined) return null;
    const headers = [...found.headers].filter(([name]) => name !== AT && name !== 'cache-control' && name !== 'x-cache-control').map(([name, value]) => [name, value] as const);
    const rule = found.headers.get('x-cache-control');
    return {
      bytes: new Uint8Array(await found.arrayBuffer()), freshUntilMs: Number(found.headers.get(AT)),
      headers: rule === null ? headers : [...headers, ['cache-control', rule]],
    };
  }

  async keep(path: string, kept: Kept, nowMs: number): Promise<void> {
    if (this.#cache === null) {
      this.#keepHere(path, kept);
      return;
    }
    const headers = new Headers(kept.headers.map(([name, value]) => [name, value]));
    // Its rule for browsers may say `private`; here it is ours to keep, for each viewer is checked.
    headers.set('x-cache-control', headers.get('cache-control') ?? '');
    headers.set('cache-control', `public, max-age=${Math.ceil((kept.freshUntilMs - nowMs) / 1000) + STALE_SECONDS}`);
    headers.set(AT, String(kept.freshUntilMs));
    await this.#cache.put(keyOf(path), new Response(kept.bytes, { headers })).catch(() => this.#keepHere(path, kept));
  }

  #keepHere(path: string, kept: Kept): void {
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
