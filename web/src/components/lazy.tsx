/**
 * A page whose code is brought when it is first shown, or shortly before.
 *
 *   unknown ──preload, shown──▶ on its way ──▶ here: shown at once from now on
 *                                   └──failure──▶ unknown; told if it is shown, or the whole page is loaded anew
 */
import { signal } from '@preact/signals';
import type { ComponentType, FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { reloadForCode } from './new-page.ts';
import { Loading, Problem } from './notice.tsx';

/** `preload` brings the code before the page is shown. */
export type LazyPage<P extends object> = FunctionComponent<P> & { readonly preload: () => void };

export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): LazyPage<P> {
  // Signals, for the code may come at any moment: also between the first drawing and what runs after it.
  const page = signal<ComponentType<P> | null>(null);
  const failed = signal(false);
  const bring = async (): Promise<void> => {
    page.value ??= (await load()).default;
  };
  function Lazy(props: P) {
    useEffect(() => {
      failed.value = false;
      bring().catch(async () => {
        failed.value = !(await reloadForCode());
      });
    }, []);
    const Page = page.value;
    if (Page !== null) return <Page {...props} />;
    if (!failed.value) return <Loading what="the page" />;
    return <Problem what="This page could not be loaded" error={new ApiError('offline', 'Reelay may have been updated, or the connection broke.')} retry={() => location.reload()} />;
  }
  // A failure is for the page to tell, or to mend, when it is shown.
  return Object.assign(Lazy, { preload: () => void bring().catch(() => {}) });
}
