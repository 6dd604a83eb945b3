import { type Clock, delay } from '@reelay/runtime';
import { ownerIsAlive, type PidFile } from '@reelay/runtime/supervisor';

const POLL_MS = 50;

/** True as soon as the very process of the pid file is gone; false when it is not after `limitMs`. Its end tells nobody but its parent, so it is looked at. */
export const untilGone = async (owner: PidFile, limitMs: number, clock: Clock): Promise<boolean> => {
  const startedMs = clock.monotonicMs();
  while (await ownerIsAlive(owner)) {
    if (clock.monotonicMs() - startedMs > limitMs) return false;
    await delay(clock, POLL_MS);
  }
  return true;
};
