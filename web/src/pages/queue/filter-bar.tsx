import { SearchBox } from '../../components/search-box.tsx';
import { Select } from '../../components/select.tsx';
import type { QueueFilters } from '../../model/filters.ts';
import { QUEUE_SORTS, queueSearch } from '../../model/filters.ts';
import { JOB_TYPE, RESOURCE, STATUS, TYPES, isResource, isStatus, isType } from '../../model/words.ts';

interface Props {
  readonly filters: QueueFilters;
  readonly set: (change: Partial<QueueFilters>, replace?: boolean) => void;
}

const ALL = { '': 'All' };
const STATUS_OPTIONS = { ...ALL, ...Object.fromEntries(Object.entries(STATUS).map(([key, { label }]) => [key, label])) };
const TYPE_OPTIONS = { ...ALL, ...Object.fromEntries(TYPES.map((type) => [type, JOB_TYPE[type].title])) };

export function QueueFilterBar({ filters, set }: Props) {
  return (
    <div class="filters">
      <SearchBox label="Search video, job or error" value={filters.q} onSearch={(q) => set({ q }, true)} />
      <div class="filter-row">
        <Select label="Status" value={filters.status} options={STATUS_OPTIONS} onChange={(value) => set({ status: isStatus(value) ? value : '' })} />
        <Select label="Type" value={filters.type} options={TYPE_OPTIONS} onChange={(value) => set({ type: isType(value) ? value : '' })} />
        <Select label="Resource" value={filters.resource} options={{ ...ALL, ...RESOURCE }} onChange={(value) => set({ resource: isResource(value) ? value : '' })} />
        <Select label="Sort" value={filters.sort} options={QUEUE_SORTS} onChange={(value) => set({ sort: sortOf(value) })} />
        {queueSearch(filters) !== '' && <a class="clear" href="/jobs">Clear</a>}
      </div>
    </div>
  );
}

const sortOf = (value: string): QueueFilters['sort'] => (Object.keys(QUEUE_SORTS) as QueueFilters['sort'][]).find((sort) => sort === value) ?? '-createdAt';
