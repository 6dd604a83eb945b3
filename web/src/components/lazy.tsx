/** A page whose code is loaded when it is first shown, or shortly before. */
import type { ComponentType, FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { Loading, Problem } from './notice.tsx';

/** `preload` has the code brought before the page is shown, which then appears at once. */
export type LazyPage<P extends object> = FunctionComponent<P> & { readonly preload: () => void };

export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): LazyPage<P> {
  let loaded: ComponentType<P> | null = null;
  const bring = async (): Promise<void> => {
    loaded ??= (await load()).default;
  };
  function Lazy(props: P) {
    const [state, setState] = useState<'loading' | 'there' | 'failed'>(loaded === null ? 'loading' : 'there');
    useEffect(() => {
      if (loaded !== null) return undefined;
      let gone = false;
      const settle = (next: 'there' | 'failed'): void => {
        if (!gone) setState(next);
      };
      bring().then(() => settle('there')).catch(() => settle('failed'));
      return () => {
        gone = true;
      };
    }, []);
    // The files of an older version are gone after an update: only a reload gets the new ones.
    if (state === 'failed') return <Problem what="This page could not be loaded" error={new ApiError('offline', 'Reelay may have been updated, or the connection broke.')} retry={() => location.reload()} />;
    const Page = loaded;
    return state === 'loading' || Page === null ? <Loading what="the page" /> : <Page {...props} />;
  }
  // Without it nothing is lost: the page asks again, and tells when it cannot be had.
  return Object.assign(Lazy, { preload: () => void bring().catch(() => {}) });
}
