/** The time on the screen: moves every 5 s while the tab is visible. */
import { signal } from '@preact/signals';

const TICK_MS = 5000;
export const nowMs = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) nowMs.value = Date.now();
  }, TICK_MS);
  document.addEventListener('visibilitychange', () => {
    nowMs.value = Date.now();
  });
}
