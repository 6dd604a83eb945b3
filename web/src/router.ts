/** History API routing: addresses ↔ pages. Filters live in the search part (model/filters.ts). */
import { signal } from '@preact/signals';

export type Route =
  | { readonly page: 'home' | 'login' | 'library' | 'queue' | 'nodes' | 'not-found' }
  | { readonly page: 'player' | 'job'; readonly id: string };

export interface Place {
  readonly path: string;
  readonly search: string;
  /** What the page before wants to tell, e.g. which job is new; gone after a reload. */
  readonly note: string | null;
}

const here = (): Place => ({ path: location.pathname, search: location.search, note: noteOf(history.state) });
const noteOf = (state: unknown): string | null =>
  typeof state === 'object' && state !== null && 'note' in state && typeof state.note === 'string' ? state.note : null;

export const place = signal<Place>(here());

export function matchRoute(path: string): Route {
  const [first = '', second, ...more] = path.replace(/\/+$/, '').split('/').slice(1);
  if (more.length > 0) return { page: 'not-found' };
  if (second === undefined) return pageOf(first);
  if (first === 'videos') return { page: 'player', id: decode(second) };
  if (first === 'jobs') return { page: 'job', id: decode(second) };
  return { page: 'not-found' };
}

function pageOf(name: string): Route {
  switch (name) {
    case '': return { page: 'home' };
    case 'login': case 'library': case 'nodes': return { page: name };
    case 'jobs': return { page: 'queue' };
    case 'videos': return { page: 'library' };
    default: return { page: 'not-found' };
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const videoPath = (id: string): string => `/videos/${encodeURIComponent(id)}`;
export const jobPath = (id: string): string => `/jobs/${encodeURIComponent(id)}`;

/** Where a visitor wanted to go before signing in (`?next=`); only ever a place of this application. */
export function nextPlace(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '';
  return /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/library';
}

/** Goes to an address of this application. `replace` keeps the back button where it was (typing into a filter). */
export function navigate(to: string, options: { replace?: boolean; note?: string } = {}): void {
  const state = options.note === undefined ? null : { note: options.note };
  if (options.replace === true) history.replaceState(state, '', to);
  else history.pushState(state, '', to);
  const before = place.value.path;
  place.value = here();
  if (place.value.path !== before) window.scrollTo(0, 0);
}

/** Follows the back button, and turns plain clicks on links of this application into navigation. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    place.value = here();
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (matchRoute(link.pathname).page === 'not-found' || link.hash !== '') return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
