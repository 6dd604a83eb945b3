import { SearchBox } from '../../components/search-box.tsx';
import { Select } from '../../components/select.tsx';
import type { LibraryFilters } from '../../model/filters.ts';
import { LIBRARY_SORTS, LOCATIONS, librarySearch, parseLibrary } from '../../model/filters.ts';

interface Props {
  readonly filters: LibraryFilters;
  readonly set: (change: Partial<LibraryFilters>, replace?: boolean) => void;
}

export function LibraryFilterBar({ filters, set }: Props) {
  // A value goes the way the address goes: through the parser, which drops what it does not know.
  const choose = (name: string) => (value: string): void => set(pick(parseLibrary(`?${new URLSearchParams({ [name]: value }).toString()}`), name));
  const locations = filters.location === '' || Object.hasOwn(LOCATIONS, filters.location) ? LOCATIONS : { ...LOCATIONS, [filters.location]: filters.location };
  return (
    <div class="filters">
      <SearchBox label="Search title or file" value={filters.q} onSearch={(q) => set({ q }, true)} />
      <div class="filter-row">
        <Select label="State" value={filters.state} options={{ '': 'All', valid: 'Playable', invalid: 'Not playable' }} onChange={choose('state')} />
        <Select label="Shape" value={filters.shape} options={{ '': 'All', landscape: 'Landscape', portrait: 'Portrait', square: 'Square' }} onChange={choose('shape')} />
        <Select label="Seen by" value={filters.visibility} options={{ '': 'All', public: 'Public', private: 'Private' }} onChange={choose('visibility')} />
        <Select label="Folder" value={filters.location} options={{ '': 'All', ...locations }} onChange={choose('location')} />
        <Select label="Sort" value={filters.sort} options={LIBRARY_SORTS} onChange={choose('sort')} />
        {librarySearch(filters) !== '' && <a class="clear" href="/library">Clear</a>}
      </div>
    </div>
  );
}

const pick = (filters: LibraryFilters, name: string): Partial<LibraryFilters> =>
  Object.fromEntries(Object.entries(filters).filter(([key]) => key === name));
