import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api.ts';
import type { IconName } from './icon.tsx';
import { Icon } from './icon.tsx';

/** A page or list with nothing to show: says why, and what to do next. */
export function Empty({ icon, title, wholePage = false, children }: { icon: IconName; title: string; wholePage?: boolean; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} size={36} />
      {wholePage ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
    </div>
  );
}

export function Problem({ error, what, retry }: { error: ApiError; what: string; retry: () => void }) {
  return (
    <div class="empty" role="alert">
      <Icon name="warning" size={36} />
      <h2>{what}</h2>
      <p>{error.message}</p>
      <button type="button" class="button" onClick={retry}><Icon name="retry" />Try again</button>
    </div>
  );
}

export function Note({ tone = 'info', children }: { tone?: 'info' | 'warning' | 'error'; children: ComponentChildren }) {
  return (
    <div class="note" data-tone={tone} role={tone === 'error' ? 'alert' : undefined}>
      <Icon name={tone === 'info' ? 'info' : 'warning'} />
      <div>{children}</div>
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return <div class="loading" role="status"><span class="spinner" aria-hidden="true" />Loading {what}</div>;
}
