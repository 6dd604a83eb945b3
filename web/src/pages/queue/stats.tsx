import type { JobStats } from '@reelay/contracts';
import { Icon } from '../../components/icon.tsx';
import { count, megabytes, span } from '../../model/format.ts';
import type { QueueFilters } from '../../model/filters.ts';
import { queueSearch } from '../../model/filters.ts';
import { STATUS, STATUSES } from '../../model/words.ts';

/** Counts by status (each a filter), VRAM in use, mean processing time. */
export function StatsHeader({ stats, filters }: { stats: JobStats; filters: QueueFilters }) {
  return (
    <section class="stats" aria-label="Queue in numbers">
      <ul class="counts">
        {STATUSES.map((status) => (
          <li key={status}>
            <a href={`/jobs${queueSearch({ ...filters, page: 1, status: filters.status === status ? '' : status })}`} data-tone={STATUS[status].tone} aria-current={filters.status === status ? 'true' : undefined}>
              <strong>{count(stats[status])}</strong>
              <span><Icon name={STATUS[status].icon} size={14} />{STATUS[status].label}</span>
            </a>
          </li>
        ))}
      </ul>
      <dl class="stats-facts">
        <div>
          <dt>VRAM</dt>
          <dd>
            <meter min={0} max={Math.max(1, stats.totalVramAvailable)} value={stats.totalVramUsed} aria-label="VRAM booked" />
            <span>{megabytes(stats.totalVramUsed)} of {megabytes(stats.totalVramAvailable)}</span>
          </dd>
        </div>
        <div>
          <dt>Mean time of a job</dt>
          <dd>{stats.completed === 0 ? 'No data yet' : span(stats.averageProcessingTime)}</dd>
        </div>
      </dl>
    </section>
  );
}
