import { toError } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Checks the new configuration completely and returns how to make it take effect. */
export type ReloadHandler = () => (() => void) | Promise<() => void>;

/** One reload after the other; all handlers must accept before any takes effect. */
export class Reloads {
  readonly #handlers: ReloadHandler[] = [];
  readonly #logger: Logger;
  #open: () => void = () => {};
  #last: Promise<void> = new Promise((resolve) => {
    this.#open = resolve;
  });
  #closed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The start is done: reloads asked for meanwhile take place now. */
  open(): void {
    this.#open();
  }

  add(handler: ReloadHandler): void {
    this.#handlers.push(handler);
  }

  /** Resolves when this reload, and those before it, are over. Never rejects. */
  reload(): Promise<void> {
    this.#last = this.#reloadAfter(this.#last);
    return this.#last;
  }

  /** A stop has begun: nothing is changed any more, not even by a reload that is being checked. */
  close(): void {
    this.#closed = true;
  }

  async #reloadAfter(earlier: Promise<void>): Promise<void> {
    await earlier;
    if (this.#closed) return;
    try {
      const commits = await Promise.all(this.#handlers.map(async (prepare) => prepare()));
      if (this.#closed) return;
      for (const commit of commits) commit();
      // What has changed is told by those whom it concerns.
      this.#logger.debug({ handlers: commits.length }, 'reloaded');
    } catch (thrown) {
      this.#logger.error({ err: toError(thrown) }, 'reload refused, nothing changed');
    }
  }
}
