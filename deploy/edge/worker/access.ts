import type { Gateways } from './gateways.ts';
import type { WaitFor } from './pieces.ts';

const BELIEVED_MS = 10_000;
/** With all gateways away, who was let in lately stays in. */
const BELIEVED_ALONE_MS = 600_000;
const MOST_ANSWERS = 10_000;

interface Answer {
  readonly may: boolean;
  readonly atMs: number;
}

/** What a viewer shows: the signed prefix of the address, or headers. */
export interface Shown {
  readonly prefix: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Who may see which video, as the gateways said it lately. One question at a time for each viewer and video. */
export class Access {
  readonly #gateways: Gateways;
  readonly #now: () => number;
  /** Last in the map = asked last. */
  readonly #answers = new Map<string, Answer>();
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(gateways: Gateways, now: () => number) {
    this.#gateways = gateways;
    this.#now = now;
  }

  /** False also when nobody can be asked who knows. */
  may(videoId: string, shown: Shown, waitFor: WaitFor): Promise<boolean> {
    const key = JSON.stringify([videoId, shown.prefix, shown.headers]);
    const known = this.#answers.get(key);
    if (known !== undefined && this.#now() - known.atMs < BELIEVED_MS) return Promise.resolve(known.may);
    const underway = this.#asking.get(key);
    if (underway !== undefined) return underway;
    const asking = this.#ask(videoId, shown, key).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    waitFor(asking);
    return asking;
  }

  async #ask(videoId: string, { prefix, headers }: Shown, key: string): Promise<boolean> {
    const atMs = this.#now();
    const answer = await this.#gateways.ask(videoId, `${prefix}/api/media/videos/${videoId}/access`, { headers }).catch(() => null);
    if (answer === null || answer.status >= 500) {
      const known = this.#answers.get(key);
      return known !== undefined && known.may && atMs - known.atMs < BELIEVED_ALONE_MS;
    }
    const may = answer.headers.get('x-reelay-access') === 'yes';
    this.#answers.delete(key);
    this.#answers.set(key, { may, atMs });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MOST_ANSWERS && oldest !== undefined) this.#answers.delete(oldest);
    return may;
  }
}
