/** Address and session → page. What is small comes with the first load, the rest when it is first opened, or a little before. */
import type { ComponentType } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { lazy } from './components/lazy.tsx';
import { Loading, Problem } from './components/notice.tsx';
import { Shell } from './components/shell.tsx';
import type { Ability } from './model/roles.ts';
import LibraryPage from './pages/library/page.tsx';
import LoginPage from './pages/login.tsx';
import NotFoundPage from './pages/not-found.tsx';
import { PlayerPage } from './pages/player.ts';
import QueuePage from './pages/queue/page.tsx';
import type { Route } from './router.ts';
import { matchRoute, navigate, nextPlace, place } from './router.ts';
import { can, openSession, session } from './store/session.ts';

interface PageEntry {
  readonly title: string;
  readonly Page: ComponentType<{ id: string }>;
  readonly needs: Ability | null;
}
const page = (title: string, Page: PageEntry['Page'], needs: Ability | null = null): PageEntry => ({ title, Page, needs });

const PAGES: Readonly<Record<Exclude<Route['page'], 'home'>, PageEntry>> = {
  login: page('Sign in', LoginPage),
  library: page('Library', LibraryPage),
  player: page('Player', PlayerPage),
  queue: page('Queue', QueuePage, 'jobs'),
  job: page('Job', lazy(() => import('./pages/job/page.tsx')), 'jobs'),
  nodes: page('Nodes', lazy(() => import('./pages/nodes/page.tsx')), 'nodes'),
  'not-found': page('Not found', NotFoundPage),
};

export function App() {
  return <Shell><Current /></Shell>;
}

function Current() {
  const state = session.value;
  const { path, search } = place.value;
  const route = matchRoute(path);
  const elsewhere = redirectFor(state.state, route, path, search);
  const { title, Page } = entryFor(route);
  useEffect(() => {
    if (elsewhere !== null) navigate(elsewhere, { replace: true });
  }, [elsewhere]);
  // Before the pages' own, which say more.
  useLayoutEffect(() => {
    document.title = `${title} – Reelay`;
  }, [title, path]);
  useEffect(moveFocusIn, [path]);

  if (state.state === 'unknown' || elsewhere !== null) return <Loading what="Reelay" />;
  if (state.state === 'unreachable') return <Problem what="Reelay cannot be reached" error={state.error} retry={() => void openSession()} />;
  return <Page key={path} id={'id' in route ? route.id : ''} />;
}

/** After a change of page the keyboard goes on in the content, not in the link that was followed. */
function moveFocusIn(): void {
  const main = document.getElementById('main');
  if (main !== null && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

/** What the role may not see does not exist for it. */
function entryFor(route: Route): PageEntry {
  const entry = PAGES[route.page === 'home' ? 'library' : route.page];
  return entry.needs !== null && !can(entry.needs) ? PAGES['not-found'] : entry;
}

function redirectFor(state: string, route: Route, path: string, search: string): string | null {
  if (state === 'out' && route.page !== 'login') return route.page === 'home' ? '/login' : `/login?${new URLSearchParams({ next: path + search }).toString()}`;
  if (state === 'in' && route.page === 'login') return nextPlace(search);
  return state === 'in' && route.page === 'home' ? '/library' : null;
}
