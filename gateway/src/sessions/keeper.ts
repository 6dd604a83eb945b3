import type { HeadReport } from '@reelay/contracts';
import { type Clock, toError } from '@reelay/runtime';
import { SessionLost } from './errors.ts';
import type { HeadTable } from './head-table.ts';
import type { NodeSession } from './node-session.ts';

interface Listener {
  /** `asked`: heads that the node was told of. */
  onReports: (reports: readonly HeadReport[], asked: ReadonlySet<string>) => void;
  onLost: (error: Error, isSilent: boolean) => void;
}

/** A silent node is given up after so many unanswered words. */
const SILENT_LIMIT = 3;
/** Timers come a little early or late. */
const SLACK_MS = 50;
/** As many as one message may name. */
const MAX_DROPS = 200;

/** Tells one node how far each head may go and which are not wanted, one word at a time, and hears how they are. */
export class Keeper {
  readonly #node: NodeSession;
  readonly #heads: HeadTable;
  readonly #clock: Clock;
  readonly #listener: Listener;
  readonly #drops: { headId: string; reason: string }[] = [];
  #telling = false;
  #again = false;
  #toldMs: number;
  #silent = 0;

  constructor(node: NodeSession, heads: HeadTable, clock: Clock, listener: Listener) {
    this.#node = node;
    this.#heads = heads;
    this.#clock = clock;
    this.#listener = listener;
    this.#toldMs = clock.monotonicMs();
  }

  drop(headId: string, reason: string): void {
    this.#drops.push({ headId, reason });
    this.tell();
  }

  /** Tells now, or as soon as the node has answered what it was told before. */
  tell(): void {
    this.#again = true;
    if (!this.#telling) void this.#tellWhileNeeded();
  }

  /** Tells when the last word is this old. */
  tellEvery(ms: number): void {
    if (this.#clock.monotonicMs() - this.#toldMs >= ms - SLACK_MS) this.tell();
  }

  /** It did not answer something else. */
  unanswered(): void {
    // While this gateway itself is cut off from NATS, what the node makes still arrives.
    if (!this.#node.canBeAsked) return;
    this.#silent += 1;
    if (this.#silent >= SILENT_LIMIT) this.#listener.onLost(new SessionLost(`node ${this.#node.nodeId} does not answer`, { nodeId: this.#node.nodeId }), true);
  }

  async #tellWhileNeeded(): Promise<void> {
    this.#telling = true;
    // Words of one turn go together.
    await Promise.resolve();
    while (this.#again) {
      this.#again = false;
      await this.#tellOnce();
    }
    this.#telling = false;
  }

  async #tellOnce(): Promise<void> {
    this.#toldMs = this.#clock.monotonicMs();
    const heads = this.#heads.all.map((head) => {
      head.toldUntil = head.until;
      return { headId: head.id, until: head.until };
    });
    const drops = this.#drops.splice(0, MAX_DROPS);
    try {
      const reports = await this.#node.keep(heads, drops);
      if (reports === null) {
        this.#drops.unshift(...drops);
        this.unanswered();
        return;
      }
      this.#silent = 0;
      this.#listener.onReports(reports, new Set(heads.map(({ headId }) => headId)));
    } catch (error) {
      this.#listener.onLost(toError(error), false);
    }
  }
}
