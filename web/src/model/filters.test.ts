import { jobListQuery, videoListQuery } from '@reelay/contracts';
import { expect, test } from 'vitest';
import { libraryQuery, librarySearch, parseLibrary, parseQueue, queueQuery, queueSearch } from './filters.ts';

test('the plain page has a plain address', () => {
  expect(queueSearch(parseQueue(''))).toBe('');
  expect(librarySearch(parseLibrary('?page=1&sort=-createdAt'))).toBe('');
});

test('filters survive the round trip through the address', () => {
  const search = '?status=running&type=scan&resource=cpu&q=caf%C3%A9+%22x%22&sort=priority&page=3';
  expect(parseQueue(queueSearch(parseQueue(search)))).toEqual({
    status: 'running', type: 'scan', resource: 'cpu', q: 'café "x"', page: 3, sort: 'priority',
  });
  const library = '?q=a&state=invalid&shape=portrait&visibility=private&location=inbox&sort=title&page=2';
  expect(parseLibrary(librarySearch(parseLibrary(library)))).toEqual(parseLibrary(library));
});

test('nonsense in the address falls back to the default', () => {
  expect(parseQueue('?status=toString&type=constructor&page=-1&sort=__proto__')).toEqual(parseQueue(''));
  expect(parseLibrary('?page=1e99&state=maybe&sort=size')).toEqual(parseLibrary(''));
});

test('the API accepts what the filters ask', () => {
  const filters = parseQueue('?status=failed&type=validate&resource=gpu_ai&q=x&page=2&sort=-priority');
  expect(jobListQuery.parse(queueQuery(filters, 20))).toMatchObject({ status: ['failed'], type: ['validate'], resourceCategory: 'gpu_ai', q: 'x', page: 2, limit: 20 });
  const library = parseLibrary('?q=x&state=invalid&visibility=public&shape=square&location=inbox');
  expect(videoListQuery.parse(libraryQuery(library, 24))).toMatchObject({ valid: false, public: true, orientation: 'square', location: 'inbox' });
  expect(jobListQuery.parse(queueQuery(parseQueue(''), 20))).toMatchObject({ page: 1 });
});
