import type { Clock } from '@reelay/runtime';
import { isTransient } from './hub-http.ts';

export interface RepeatOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Called before each wait: waiting for the hub is not a hang. */
  onWait: (error: unknown) => void;
  /** Tries in all; endless when left out (the lease and the time limit end it). */
  tries?: number;
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

/** Repeats `work` while it fails for a passing reason, waiting 0.2 s, 0.4 s … 5 s. Rejects with the last error, or the cause of the abort. */
export async function repeat<T>(work: () => Promise<T>, { clock, signal, onWait, tries = Infinity }: RepeatOptions): Promise<T> {
  for (let tried = 1, waitMs = FIRST_WAIT_MS; ; tried += 1, waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (tried >= tries || !isTransient(error)) throw error;
      onWait(error);
    }
    await pause(clock, waitMs, signal);
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      callOff();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const callOff = clock.after(ms, finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}
