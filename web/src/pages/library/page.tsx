/** The library: pictures, search, filters in the address, uploads by button or drop. */
import { useComputed } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../../api.ts';
import { Icon } from '../../components/icon.tsx';
import { savesData, whenIdle } from '../../components/idle.ts';
import { Empty, Loading, Problem } from '../../components/notice.tsx';
import { Pager } from '../../components/pager.tsx';
import type { LibraryFilters } from '../../model/filters.ts';
import { libraryQuery, librarySearch, parseLibrary } from '../../model/filters.ts';
import { navigate, place } from '../../router.ts';
import { videos } from '../../store/live-store.ts';
import { can } from '../../store/session.ts';
import { addUploads } from '../../store/uploads.ts';
import { useLoad, useReloadOn } from '../../store/use-load.ts';
import { VideoCard } from './card.tsx';
import { PlayerPage } from '../player.ts';
import { DropZone } from './drop-zone.tsx';
import { LibraryFilterBar } from './filter-bar.tsx';
import { UploadList } from './upload-list.tsx';

const PER_PAGE = 24;
/** What a file dialog offers first; anything may still be chosen, and validation says what it is. */
const ACCEPT = 'video/*,.mkv,.ts,.m2ts,.mts,.flv,.avi,.wmv,.mpg,.mpeg,.ogv,.3gp,.m4v,.mov,.webm';

export default function LibraryPage() {
  const filters = parseLibrary(place.value.search);
  const set = (change: Partial<LibraryFilters>, replace = false): void =>
    navigate(`/library${librarySearch({ ...filters, page: 1, ...change })}`, { replace });
  return (
    <DropZone enabled={can('editVideos')} onFiles={addUploads}>
      <div class="page-head">
        <h1>Library</h1>
        {can('editVideos') && <UploadButton />}
      </div>
      <LibraryFilterBar filters={filters} set={set} />
      <UploadList />
      <Videos filters={filters} />
    </DropZone>
  );
}

function UploadButton() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input ref={input} type="file" multiple hidden accept={ACCEPT} aria-label="Files to upload" onChange={({ currentTarget }) => {
        addUploads([...(currentTarget.files ?? [])]);
        currentTarget.value = '';
      }} />
      <button type="button" class="button primary" onClick={() => input.current?.click()}><Icon name="upload" />Upload</button>
    </>
  );
}

function Videos({ filters }: { filters: LibraryFilters }) {
  const query = libraryQuery(filters, PER_PAGE);
  const list = useLoad(JSON.stringify(query), async (signal) => {
    const page = await api.videos(query, signal);
    return { rows: page.data.map((video) => videos.put(video)), pagination: page.pagination };
  });
  const ids = useComputed(() => new Set(list.data.value?.rows.map((row) => row.peek().id)));
  useReloadOn(list.reload, (news) => news.event === 'video-deleted' || (news.event === 'video' && !ids.peek().has(news.data.video.id)), 800);

  const page = list.data.value;
  const hasVideos = page !== null && page.rows.length > 0;
  // Who looks at these is about to play one: the player's code need not be waited for then.
  useEffect(() => (hasVideos && !savesData() ? whenIdle(PlayerPage.preload) : undefined), [hasVideos]);
  if (page === null) return list.error.value === null ? <Loading what="videos" /> : <Problem what="The library could not be loaded" error={list.error.value} retry={list.reload} />;
  if (page.rows.length === 0) return <NoVideos filters={filters} />;
  return (
    <>
      <ul class="cards" aria-busy={list.loading.value}>
        {page.rows.map((video) => <VideoCard key={video.peek().id} video={video} onDeleted={list.reload} />)}
      </ul>
      <Pager pagination={page.pagination} what="video" href={(to) => `/library${librarySearch({ ...filters, page: to })}`} />
    </>
  );
}

function NoVideos({ filters }: { filters: LibraryFilters }) {
  const filtered = librarySearch({ ...filters, sort: '-createdAt' }) !== '';
  if (filtered) return <Empty icon="search" title="No video fits these filters"><a class="button" href="/library">Show all videos</a></Empty>;
  if (!can('editVideos')) return <Empty icon="film" title="There are no videos yet"><p>An admin can upload some.</p></Empty>;
  return (
    <Empty icon="film" title="There are no videos yet">
      <p>Drop files here or use Upload. Files that already lie in the library folder are found by a “Scan directory” job in the <a href="/jobs">queue</a>.</p>
    </Empty>
  );
}
