/** A page whose code is loaded when it is first shown. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { Loading, Problem } from './notice.tsx';

export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [state, setState] = useState<'loading' | 'there' | 'failed'>(loaded === null ? 'loading' : 'there');
    useEffect(() => {
      if (loaded !== null) return undefined;
      let gone = false;
      const settle = (next: 'there' | 'failed'): void => {
        if (!gone) setState(next);
      };
      load().then((module) => {
        loaded = module.default;
        return settle('there');
      }).catch(() => settle('failed'));
      return () => {
        gone = true;
      };
    }, []);
    // The files of an older version are gone after an update: only a reload gets the new ones.
    if (state === 'failed') return <Problem what="This page could not be loaded" error={new ApiError('offline', 'Reelay may have been updated, or the connection broke.')} retry={() => location.reload()} />;
    const Page = loaded;
    return state === 'loading' || Page === null ? <Loading what="the page" /> : <Page {...props} />;
  };
}
