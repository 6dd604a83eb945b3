import { type Clock, systemClock } from '@reelay/runtime';
import { NPM_POLL_MS, type Npm, npmIsGone } from '../npm-parent.mjs';

/** Calls `onGone` once when the npm that started us is gone. */
export function watchNpm(npm: Npm, onGone: () => void, clock: Clock = systemClock): void {
  const end = clock.every(NPM_POLL_MS, () => {
    if (!npmIsGone(npm)) return;
    end();
    onGone();
  });
}
