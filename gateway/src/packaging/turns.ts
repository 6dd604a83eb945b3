import { setImmediate as nextRound } from 'node:timers/promises';

/**
 * Stretches of work of some milliseconds, one in each round of the event loop: sixteen files that are read at once are
 * otherwise all cut in the same round, and nothing else happens meanwhile.
 */
class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves in a round of its own. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => nextRound());
    return this.#last;
  }
}

/** Of the whole process: immediates of one round all run in it. */
export const turns = new Turns();
