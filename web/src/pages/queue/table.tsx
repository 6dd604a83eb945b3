import { useRef } from 'preact/hooks';
import { api } from '../../api.ts';
import { Empty, Loading, Problem } from '../../components/notice.tsx';
import { Pager } from '../../components/pager.tsx';
import type { LiveNews } from '../../live/live.ts';
import type { QueueFilters } from '../../model/filters.ts';
import { queueQuery, queueSearch } from '../../model/filters.ts';
import { jobs } from '../../store/live-store.ts';
import { can } from '../../store/session.ts';
import { useLoad, useReloadOn } from '../../store/use-load.ts';
import { JobRow } from './row.tsx';

const PER_PAGE = 20;

export function JobTable({ filters, fresh }: { filters: QueueFilters; fresh: string | null }) {
  const query = queueQuery(filters, PER_PAGE);
  const shown = useRef(new Map<string, string>());
  const list = useLoad(JSON.stringify(query), async (signal) => {
    const page = await api.jobs(query, signal);
    shown.current = new Map(page.data.map((job) => [job.id, job.status]));
    return { rows: page.data.map((job) => jobs.put(job)), pagination: page.pagination };
  });
  // Rows follow their own job; which rows there are changes only with a new job or another status.
  const concerns = (news: LiveNews): boolean => news.event === 'job' && shown.current.get(news.data.job.id) !== news.data.job.status;
  useReloadOn(list.reload, concerns, 1000);

  const page = list.data.value;
  if (page === null) return list.error.value === null ? <Loading what="jobs" /> : <Problem what="The queue could not be loaded" error={list.error.value} retry={list.reload} />;
  if (page.rows.length === 0) return <NoJobs filters={filters} />;
  return (
    <>
      <table class="jobs" aria-busy={list.loading.value}>
        <caption class="off-screen">Jobs</caption>
        <thead>
          <tr>
            <th scope="col">Job</th><th scope="col">Status</th><th scope="col">Progress</th><th scope="col">Priority</th><th scope="col">Resource</th>
            <th scope="col">Node</th><th scope="col">Created</th><th scope="col">Started</th><th scope="col">Completed</th><th scope="col"><span class="off-screen">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          {page.rows.map((job) => <JobRow key={job.peek().id} job={job} fresh={job.peek().id === fresh} onChanged={list.reload} />)}
        </tbody>
      </table>
      <Pager pagination={page.pagination} what="job" href={(to) => `/jobs${queueSearch({ ...filters, page: to })}`} />
    </>
  );
}

function NoJobs({ filters }: { filters: QueueFilters }) {
  const filtered = queueSearch({ ...filters, sort: '-createdAt' }) !== '';
  if (filtered) return <Empty icon="search" title="No job fits these filters"><a class="button" href="/jobs">Show all jobs</a></Empty>;
  return (
    <Empty icon="queue" title={can('manageJobs') ? 'There are no jobs yet' : 'You have no jobs yet'}>
      <p>Upload a video in the <a href="/library">library</a> or create a job here.</p>
    </Empty>
  );
}
