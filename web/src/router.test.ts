import { expect, test, vi } from 'vitest';

vi.stubGlobal('location', { pathname: '/', search: '' });
vi.stubGlobal('history', { state: null });
const { jobPath, matchRoute, nextPlace, videoPath } = await import('./router.ts');

test('addresses and pages', () => {
  expect(matchRoute('/')).toEqual({ page: 'home' });
  expect(matchRoute('/jobs/')).toEqual({ page: 'queue' });
  expect(matchRoute('/jobs/abc')).toEqual({ page: 'job', id: 'abc' });
  expect(matchRoute(videoPath('a/b'))).toEqual({ page: 'player', id: 'a/b' });
  expect(matchRoute(jobPath('x'))).toEqual({ page: 'job', id: 'x' });
  for (const path of ['/api/media/jobs', '/docs', '/nodes/x', '/jobs/a/b', '/%']) expect(matchRoute(path)).toEqual({ page: 'not-found' });
});

test('after signing in only places of this application are opened', () => {
  expect(nextPlace('?next=%2Fjobs%3Fstatus%3Dfailed')).toBe('/jobs?status=failed');
  for (const next of ['', '//evil.example', '/\\evil.example', 'https://evil.example', '/login?next=/login']) {
    expect(nextPlace(`?next=${encodeURIComponent(next)}`)).toBe('/library');
  }
});
