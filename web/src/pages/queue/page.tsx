/** The job queue: filters in the address, rows that follow the work live. */
import { api } from '../../api.ts';
import { Icon } from '../../components/icon.tsx';
import { frozen, setFrozen } from '../../live/live.ts';
import type { QueueFilters } from '../../model/filters.ts';
import { parseQueue, queueSearch } from '../../model/filters.ts';
import { navigate, place } from '../../router.ts';
import { openDialog } from '../../store/dialogs.ts';
import { can } from '../../store/session.ts';
import { useLoad, useReloadOn } from '../../store/use-load.ts';
import { QueueFilterBar } from './filter-bar.tsx';
import { StatsHeader } from './stats.tsx';
import { JobTable } from './table.tsx';

export default function QueuePage() {
  const filters = parseQueue(place.value.search);
  const set = (change: Partial<QueueFilters>, replace = false): void =>
    navigate(`/jobs${queueSearch({ ...filters, page: 1, ...change })}`, { replace });
  return (
    <>
      <div class="page-head">
        <h1>Queue</h1>
        <PauseButton />
        {can('createJobs') && (
          <button type="button" class="button primary" onClick={() => { openDialog.value = { kind: 'create-job', type: null, video: null }; }}>
            <Icon name="plus" />Create job
          </button>
        )}
      </div>
      <Stats filters={filters} />
      <QueueFilterBar filters={filters} set={set} />
      <JobTable filters={filters} fresh={place.value.note} />
    </>
  );
}

function PauseButton() {
  const words = frozen.value ? 'Continue updates' : 'Pause updates';
  return (
    <button type="button" class="button" aria-label={words} aria-pressed={frozen.value} onClick={() => setFrozen(!frozen.value)}>
      <Icon name={frozen.value ? 'play' : 'pause'} /><span class="wide-only">{words}</span>
    </button>
  );
}

function Stats({ filters }: { filters: QueueFilters }) {
  const { data, reload } = useLoad('', (signal) => api.stats(signal));
  useReloadOn(reload, (news) => news.event === 'job', 1000);
  return data.value === null ? null : <StatsHeader stats={data.value} filters={filters} />;
}
