import type { Video } from '@reelay/contracts';
import type { ReadonlySignal } from '@preact/signals';
import type { Job } from '@reelay/contracts';
import { api } from '../api.ts';
import { StatusBadge } from '../components/badge.tsx';
import { Icon } from '../components/icon.tsx';
import { JobProgress } from '../components/progress.tsx';
import { When } from '../components/time.tsx';
import { JOB_TYPE } from '../model/words.ts';
import { jobPath } from '../router.ts';
import { jobs } from '../store/live-store.ts';
import { useLoad, useReloadOn } from '../store/use-load.ts';

const MOST = 10;

/** The last jobs on this video, asked for after something more urgent. */
export function VideoJobs({ video, after }: { video: Video; after: Promise<void> }) {
  const list = useLoad(video.id, async (signal) => {
    await after;
    return (await api.jobs({ videoId: video.id, limit: String(MOST) }, signal)).data.map((job) => jobs.put(job));
  });
  useReloadOn(list.reload, (news) => news.event === 'job' && news.data.job.videoId === video.id, 500);
  const rows = list.data.value;
  return (
    <section class="panel" aria-labelledby="jobs">
      <h2 id="jobs">Jobs of this video</h2>
      {rows === null && <p class="small muted">{list.error.value === null ? 'Loading' : list.error.value.message}</p>}
      {rows?.length === 0 && <p class="small muted">None yet. “Actions” above starts one.</p>}
      {rows !== null && rows.length > 0 && <ul class="job-list">{rows.map((job) => <Row key={job.peek().id} job={job} />)}</ul>}
    </section>
  );
}

function Row({ job: { value: job } }: { job: ReadonlySignal<Job> }) {
  return (
    <li>
      <Icon name={JOB_TYPE[job.type].icon} />
      <a href={jobPath(job.id)}>{JOB_TYPE[job.type].title}</a>
      <StatusBadge status={job.status} />
      {job.status === 'running' && <JobProgress job={job} />}
      <span class="small muted"><When iso={job.completedAt ?? job.startedAt ?? job.createdAt} /></span>
    </li>
  );
}
