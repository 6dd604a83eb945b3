/** Time as everything else sees it. Passed in, so that tests own it. */
export interface Clock {
  now(): Date;
  /** Milliseconds that never run backwards; compare only with values of the same clock. */
  monotonicMs(): number;
  /** Calls `fn` once after `ms`. Returns how to call it off. */
  after(ms: number, fn: () => void): () => void;
  /** Calls `fn` every `ms`. Returns how to end that. */
  every(ms: number, fn: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  every(ms, fn) {
    const timer = setInterval(fn, ms);
    return () => clearInterval(timer);
  },
};

/** Resolves after `ms` on the given clock. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** Waits for `work`, but no longer than `ms`. True when it ended in time; its error is passed on. */
export function waitAtMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const callOff = clock.after(ms, () => resolve(false));
    work.then(() => resolve(true), reject).finally(callOff);
  });
}
