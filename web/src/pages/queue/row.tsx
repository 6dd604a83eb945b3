import type { ReadonlySignal } from '@preact/signals';
import type { Job } from '@reelay/contracts';
import { useEffect, useRef } from 'preact/hooks';
import { Priority, StatusBadge } from '../../components/badge.tsx';
import { Icon } from '../../components/icon.tsx';
import { JobMenu } from '../../components/job-actions.tsx';
import { JobProgress } from '../../components/progress.tsx';
import { When } from '../../components/time.tsx';
import { megabytes, timeOfDay } from '../../model/format.ts';
import { JOB_TYPE, RESOURCE } from '../../model/words.ts';
import { jobPath } from '../../router.ts';

export function JobRow({ job: { value: job }, fresh, onChanged }: { job: ReadonlySignal<Job>; fresh: boolean; onChanged: () => void }) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (fresh) row.current?.scrollIntoView({ block: 'nearest' });
  }, [fresh]);
  const { title, icon } = JOB_TYPE[job.type];
  return (
    <tr ref={row} class={fresh ? 'fresh' : undefined} data-status={job.status}>
      <td class="what">
        <span class="row"><Icon name={icon} /><a class="row-link" href={jobPath(job.id)}>{title}</a></span>
        {job.videoTitle !== null && <span class="video-name">{job.videoTitle}</span>}
        <Why job={job} />
      </td>
      <td data-label="Status"><StatusBadge status={job.status} cancelling={job.cancelRequestedAt !== null && job.status === 'running'} /></td>
      <td data-label="Progress" class="progress-cell"><JobProgress job={job} /></td>
      <td data-label="Priority"><Priority value={job.priority} /></td>
      <td data-label="Resource">{RESOURCE[job.resourceCategory]}{job.vramRequired > 0 && <span class="vram-need">{megabytes(job.vramRequired)}</span>}</td>
      <td data-label="Node">{job.nodeId ?? <span class="muted">–</span>}</td>
      <td data-label="Created"><When iso={job.createdAt} /></td>
      <td data-label="Started"><When iso={job.startedAt} /></td>
      <td data-label="Completed"><When iso={job.completedAt} /></td>
      <td class="actions"><JobMenu job={job} onChanged={onChanged} /></td>
    </tr>
  );
}

/** Why it waits, or why it failed. */
function Why({ job }: { job: Job }) {
  if (job.status === 'failed' && job.errorMessage !== null) return <span class="why error">{job.errorMessage}</span>;
  if (job.status !== 'pending') return null;
  const parts = [
    job.queuePosition === null ? null : `Number ${job.queuePosition} in ${RESOURCE[job.resourceCategory]}`,
    job.retryAfter === null || Date.parse(job.retryAfter) < Date.now() ? null : `Runs again at ${timeOfDay(Date.parse(job.retryAfter))} after attempt ${job.retryCount} of ${job.maxRetries + 1}`,
    job.waitingReason,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : <span class="why muted">{parts.join('. ')}</span>;
}
