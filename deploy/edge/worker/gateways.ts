/** FNV-1a, well shaken: spreads videos over gateways, and moves few of them when one is added. */
const weightOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** What a gateway in front of us takes for another one's trouble: nothing was done for the request, ask elsewhere. */
const ASK_ELSEWHERE = 502;
/** A gateway that answered is taken to be there for so long. */
const THERE_MS = 2_000;

/** The gateways behind the edge: a video's owner first, the others when it cannot be reached. */
export class Gateways {
  readonly #origins: readonly string[];
  readonly #fetch: typeof fetch;
  readonly #now: () => number;
  readonly #answeredMs = new Map<string, number>();

  constructor(origins: string, fetcher: typeof fetch, now: () => number) {
    this.#origins = origins.split(/[\s,]+/).filter((origin) => origin !== '').map((origin) => origin.replace(/\/+$/, ''));
    this.#fetch = fetcher;
    this.#now = now;
  }

  /**
   * Reads are tried at each gateway. Anything else is sent once, to the first one that is there: what was begun at one
   * must not happen at another as well. @throws what fetch throws when none can be reached
   */
  async ask(owner: string, path: string, init: RequestInit): Promise<Response> {
    const inOrder = this.#origins.toSorted((a, b) => weightOf(b + owner) - weightOf(a + owner));
    const isRead = init.method === undefined || init.method === 'GET' || init.method === 'HEAD';
    let trouble: unknown = new Error('no gateway is configured');
    for (const [n, origin] of inOrder.entries()) {
      const isLast = n === inOrder.length - 1;
      if (!isRead && !isLast && !(await this.#isThere(origin))) continue;
      try {
        const answer = await this.#fetch(origin + path, { ...init, redirect: 'manual' });
        this.#answeredMs.set(origin, this.#now());
        if (answer.status !== ASK_ELSEWHERE || isLast || !isRead) return answer;
        await answer.body?.cancel();
      } catch (error) {
        trouble = error;
        this.#answeredMs.delete(origin);
        if (!isRead) break;
      }
    }
    throw trouble;
  }

  async #isThere(origin: string): Promise<boolean> {
    if (this.#now() - (this.#answeredMs.get(origin) ?? -Infinity) < THERE_MS) return true;
    try {
      const answer = await this.#fetch(`${origin}/healthz`, { redirect: 'manual' });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  }
}
