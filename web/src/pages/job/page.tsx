/** One job: facts, attempts and history, the live log. */
import type { Attempt, AuditEntry } from '@reelay/contracts';
import { useComputed } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../../api.ts';
import { StatusBadge } from '../../components/badge.tsx';
import { Icon } from '../../components/icon.tsx';
import { JobButtons } from '../../components/job-actions.tsx';
import { Empty, Loading, Note, Problem } from '../../components/notice.tsx';
import { JobProgress } from '../../components/progress.tsx';
import type { LiveNews } from '../../live/live.ts';
import { JOB_TYPE } from '../../model/words.ts';
import { jobs } from '../../store/live-store.ts';
import { useLoad, useReloadOn } from '../../store/use-load.ts';
import { JobFacts } from './facts.tsx';
import { LogView } from './log-view.tsx';
import { Timeline } from './timeline.tsx';

export default function JobPage({ id }: { id: string }) {
  const detail = useLoad(id, async (signal) => jobs.put(await api.job(id, signal)));
  const history = useLoad(id, async (signal): Promise<{ attempts: Attempt[]; audit: AuditEntry[] }> => {
    const [attempts, audit] = await Promise.all([api.attempts(id, signal), api.audit(id, signal)]);
    return { attempts: attempts.data, audit: audit.data };
  });
  const mine = (news: LiveNews): boolean => news.event === 'job' && news.data.job.id === id;
  useReloadOn(history.reload, mine, 500);
  useReloadOn(detail.reload, () => false);

  const job = detail.data.value?.value ?? null;
  const title = useComputed(() => (detail.data.value === null ? 'Job' : JOB_TYPE[detail.data.value.value.type].title));
  useEffect(() => {
    document.title = `${title.value} – Reelay`;
  }, [title.value]);

  if (job === null) {
    const error = detail.error.value;
    if (error === null) return <Loading what="the job" />;
    if (error.status === 404 || error.status === 400 || error.status === 422) {
      return <Empty icon="search" wholePage title="There is no such job"><p>It may have been removed when its retention ended.</p><a class="button" href="/jobs">To the queue</a></Empty>;
    }
    return <Problem what="The job could not be loaded" error={error} retry={detail.reload} />;
  }
  return (
    <>
      <div class="page-head">
        <a class="back" href="/jobs"><Icon name="left" />Queue</a>
        <h1><Icon name={JOB_TYPE[job.type].icon} size={22} />{title.value}</h1>
        <StatusBadge status={job.status} cancelling={job.cancelRequestedAt !== null && job.status === 'running'} />
        <span class="grow" />
        <JobButtons job={job} onChanged={detail.reload} />
      </div>
      {job.status === 'failed' && <Note tone="error"><strong>{job.errorMessage ?? 'The job failed.'}</strong>{job.errorCode !== null && <> <code>{job.errorCode}</code></>}<br />The log below has the details. Retry runs it again.</Note>}
      {job.status === 'pending' && job.waitingReason !== null && <Note>{job.waitingReason}</Note>}
      {(job.progress > 0 || job.status === 'running') && (
        <section class="panel" aria-label="Progress">
          <JobProgress job={job} long />
          {job.status === 'running' && job.statusMessage !== null && <p class="small muted">{job.statusMessage}</p>}
        </section>
      )}
      <div class="job-columns">
        <LogView job={job} />
        <div class="stack">
          <JobFacts job={job} />
          <Timeline job={job} history={history.data.value} error={history.error.value} />
        </div>
      </div>
    </>
  );
}
