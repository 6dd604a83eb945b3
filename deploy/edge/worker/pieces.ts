import type { Shown } from './access.ts';
import type { Gateways } from './gateways.ts';
import type { Kept, Shelf } from './kept.ts';

/** Keeps work alive past the request that began it: others wait for it, too. */
export type WaitFor = (work: Promise<unknown>) => void;

const NOT_KEPT = /^(x-accel-expires|x-request-id|connection|keep-alive|transfer-encoding|date|set-cookie)$/;

/**
 * What is kept of streams, fetched once for all who want it at the same time.
 *
 *   missing ──asked for──▶ underway ──kept──▶ fresh ──its time is over──▶ stale: sent once more, underway again
 *      ▲                      └──may not be kept: each asks for themselves──┘
 */
export class Pieces {
  readonly #gateways: Gateways;
  readonly #shelf: Shelf;
  readonly #now: () => number;
  readonly #underway = new Map<string, Promise<Kept | null>>();

  constructor(gateways: Gateways, shelf: Shelf, now: () => number) {
    this.#gateways = gateways;
    this.#shelf = shelf;
    this.#now = now;
  }

  /** Null when it may not be kept, or nobody has it. `path` is without a token. */
  async get(path: string, videoId: string, shown: Shown, waitFor: WaitFor): Promise<{ kept: Kept; from: 'HIT' | 'MISS' | 'STALE' } | null> {
    const there = await this.#shelf.find(path, this.#now());
    if (there !== null && this.#now() < there.freshUntilMs) return { kept: there, from: 'HIT' };
    const fresh = this.#fetchOnce(path, videoId, shown, waitFor);
    if (there !== null) return { kept: there, from: 'STALE' };
    const kept = await fresh;
    return kept === null ? null : { kept, from: 'MISS' };
  }

  #fetchOnce(path: string, videoId: string, shown: Shown, waitFor: WaitFor): Promise<Kept | null> {
    const underway = this.#underway.get(path);
    if (underway !== undefined) return underway;
    const asked = this.#fetch(path, videoId, shown).catch(() => null).finally(() => this.#underway.delete(path));
    this.#underway.set(path, asked);
    waitFor(asked);
    return asked;
  }

  async #fetch(path: string, videoId: string, { prefix, headers }: Shown): Promise<Kept | null> {
    const answer = await this.#gateways.ask(videoId, prefix + path, { headers: { ...headers, 'accept-encoding': 'identity', 'x-reelay-edge': 'checks-access' } });
    const seconds = Number(answer.headers.get('x-accel-expires') ?? 0);
    if (answer.status !== 200 || !(seconds > 0)) {
      await answer.body?.cancel();
      return null;
    }
    const nowMs = this.#now();
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const kept: Kept = { bytes, freshUntilMs: nowMs + seconds * 1000, headers: [...answer.headers].filter(([name]) => !NOT_KEPT.test(name)) };
    await this.#shelf.keep(path, kept, nowMs);
    return kept;
  }
}
