/** Loading for components: what is shown stays while the next answer is on its way, and an old answer never replaces a newer one. */
import { useSignal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { useCallback, useLayoutEffect, useRef } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { toApiError } from '../api.ts';
import type { LiveNews } from '../live/live.ts';
import { onLive } from '../live/live.ts';

export interface Loaded<T> {
  readonly data: ReadonlySignal<T | null>;
  readonly error: ReadonlySignal<ApiError | null>;
  readonly loading: ReadonlySignal<boolean>;
  readonly reload: () => void;
}

/** Loads when the component appears and whenever `key` changes. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const data = useSignal<T | null>(null);
  const error = useSignal<ApiError | null>(null);
  const loading = useSignal(true);
  const current = useRef<AbortController | null>(null);
  const latest = useRef(load);
  latest.current = load;

  const reload = useCallback(() => {
    current.current?.abort();
    const abort = new AbortController();
    current.current = abort;
    loading.value = true;
    const run = async (): Promise<void> => {
      try {
        const result = await latest.current(abort.signal);
        if (abort.signal.aborted) return;
        data.value = result;
        error.value = null;
      } catch (failure) {
        if (abort.signal.aborted) return;
        error.value = toApiError(failure);
      }
      loading.value = false;
    };
    void run();
  }, [data, error, loading]);

  // Asked before the page is painted, not after.
  useLayoutEffect(() => {
    reload();
    return () => current.current?.abort();
  }, [key, reload]);
  return { data, error, loading, reload };
}

/**
 * Calls `reload` when `concerns` says that news changes what is shown: at once for a gap, else at most every
 * `everyMs`, the last one never lost. A hidden tab waits until it is seen.
 */
export function useReloadOn(reload: () => void, concerns: (news: LiveNews) => boolean, everyMs = 1500): void {
  const latest = useRef({ reload, concerns });
  latest.current = { reload, concerns };
  // As early as the question: nothing that happens between its answer and the first news is missed.
  useLayoutEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    let owed = false;
    const run = (): void => {
      timer = null;
      if (document.hidden) {
        owed = true;
        return;
      }
      owed = false;
      latest.current.reload();
    };
    const onVisible = (): void => {
      if (!document.hidden && owed) run();
    };
    const off = onLive((news) => {
      if (news.event === 'reload') timer ??= setTimeout(run, 0);
      else if (latest.current.concerns(news)) timer ??= setTimeout(run, everyMs);
    });
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      off();
      document.removeEventListener('visibilitychange', onVisible);
      if (timer !== null) clearTimeout(timer);
    };
  }, [everyMs]);
}
