/** Reading again and again what no live event tells. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Loaded } from './use-load.ts';

/** False while the tab is in the background. */
const visible = signal(!document.hidden);
document.addEventListener('visibilitychange', () => {
  visible.value = !document.hidden;
});

/** Loads again `everyMs` after each answer; not while the tab is hidden or the page was left, and at once when it is seen again. */
export function usePoll({ loading, reload }: Loaded<unknown>, everyMs: number): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let missed = false;
    const plan = (): void => {
      clearTimeout(timer);
      if (loading.peek()) return;
      if (!visible.peek()) {
        missed = true;
        return;
      }
      timer = setTimeout(reload, missed ? 0 : everyMs);
      missed = false;
    };
    const offLoading = loading.subscribe(plan);
    const offVisible = visible.subscribe(plan);
    return () => {
      offLoading();
      offVisible();
      clearTimeout(timer);
    };
  }, [loading, reload, everyMs]);
}
