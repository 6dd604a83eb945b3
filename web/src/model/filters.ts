/** Filters of the lists, kept in the URL. Unknown or malformed values fall back to the default instead of failing the page. */
import type { JobListQuery, JobStatus, JobType, ResourceCategory, VideoListQuery } from '@reelay/contracts';
import { isResource, isStatus, isType } from './words.ts';

export interface QueueFilters {
  status: JobStatus | '';
  type: JobType | '';
  resource: ResourceCategory | '';
  q: string;
  page: number;
  sort: JobListQuery['sort'];
}

export const QUEUE_SORTS: Readonly<Record<JobListQuery['sort'], string>> = {
  '-createdAt': 'Newest first',
  createdAt: 'Oldest first',
  priority: 'Priority, first to last',
  '-priority': 'Priority, last to first',
  '-startedAt': 'Started last',
  startedAt: 'Started first',
  '-completedAt': 'Completed last',
  completedAt: 'Completed first',
  status: 'Status',
  type: 'Type',
};

export function parseQueue(search: string): QueueFilters {
  const query = new URLSearchParams(search);
  const status = query.get('status') ?? '';
  const type = query.get('type') ?? '';
  const resource = query.get('resource') ?? '';
  return {
    status: isStatus(status) ? status : '',
    type: isType(type) ? type : '',
    resource: isResource(resource) ? resource : '',
    q: (query.get('q') ?? '').slice(0, 200),
    page: parsePage(query.get('page')),
    sort: sortIn(QUEUE_SORTS, query.get('sort'), '-createdAt'),
  };
}

/** The search part of the page's own address; defaults are left out, so that the plain page has a plain address. */
export const queueSearch = (filters: QueueFilters): string =>
  searchOf({
    status: filters.status, type: filters.type, resource: filters.resource, q: filters.q,
    sort: filters.sort === '-createdAt' ? '' : filters.sort,
    page: filters.page > 1 ? String(filters.page) : '',
  });

/** What GET /api/media/jobs is asked. */
export const queueQuery = (filters: QueueFilters, limit: number): Record<string, string> =>
  filled({
    status: filters.status, type: filters.type, resourceCategory: filters.resource, q: filters.q.trim(),
    sort: filters.sort, page: String(filters.page), limit: String(limit),
  });

type Shape = 'landscape' | 'portrait' | 'square';
export interface LibraryFilters {
  q: string;
  state: '' | 'valid' | 'invalid';
  shape: Shape | '';
  visibility: '' | 'public' | 'private';
  location: string;
  page: number;
  sort: VideoListQuery['sort'];
}

export const LIBRARY_SORTS: Readonly<Record<VideoListQuery['sort'], string>> = {
  '-createdAt': 'Newest first',
  createdAt: 'Oldest first',
  title: 'Title, A to Z',
  '-title': 'Title, Z to A',
  '-durationSeconds': 'Longest first',
  durationSeconds: 'Shortest first',
  '-sizeBytes': 'Largest first',
  sizeBytes: 'Smallest first',
};
export const LOCATIONS: Readonly<Record<string, string>> = {
  inbox: 'Inbox', library: 'Library', playback: 'Playback', compilations: 'Compilations', public: 'Public gallery',
};

export function parseLibrary(search: string): LibraryFilters {
  const query = new URLSearchParams(search);
  return {
    q: (query.get('q') ?? '').slice(0, 200),
    state: oneOf(['valid', 'invalid'], query.get('state')),
    shape: oneOf(['landscape', 'portrait', 'square'], query.get('shape')),
    visibility: oneOf(['public', 'private'], query.get('visibility')),
    location: (query.get('location') ?? '').slice(0, 200),
    page: parsePage(query.get('page')),
    sort: sortIn(LIBRARY_SORTS, query.get('sort'), '-createdAt'),
  };
}

export const librarySearch = (filters: LibraryFilters): string =>
  searchOf({
    q: filters.q, state: filters.state, shape: filters.shape, visibility: filters.visibility, location: filters.location,
    sort: filters.sort === '-createdAt' ? '' : filters.sort,
    page: filters.page > 1 ? String(filters.page) : '',
  });

/** What GET /api/media/videos is asked. */
export const libraryQuery = (filters: LibraryFilters, limit: number): Record<string, string> =>
  filled({
    q: filters.q.trim(),
    valid: filters.state === '' ? '' : String(filters.state === 'valid'),
    orientation: filters.shape,
    public: filters.visibility === '' ? '' : String(filters.visibility === 'public'),
    location: filters.location, sort: filters.sort, page: String(filters.page), limit: String(limit),
  });

const filled = (values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));

function searchOf(values: Record<string, string>): string {
  const text = new URLSearchParams(filled(values)).toString();
  return text === '' ? '' : `?${text}`;
}

function parsePage(text: string | null): number {
  const page = Number(text);
  return Number.isInteger(page) && page >= 1 && page <= 1_000_000 ? page : 1;
}

const oneOf = <T extends string>(known: readonly T[], text: string | null): T | '' => known.find((value) => value === text) ?? '';
const sortIn = <T extends string>(known: Readonly<Record<T, string>>, text: string | null, fallback: T): T =>
  (Object.keys(known) as T[]).find((value) => value === text) ?? fallback;
