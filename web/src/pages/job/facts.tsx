import type { Job } from '@reelay/contracts';
import type { ComponentChildren } from 'preact';
import { Priority } from '../../components/badge.tsx';
import { copyText } from '../../components/copy.ts';
import { Icon } from '../../components/icon.tsx';
import { Took, When } from '../../components/time.tsx';
import { megabytes, timeOfDay } from '../../model/format.ts';
import { RESOURCE } from '../../model/words.ts';
import { videoPath } from '../../router.ts';
import { can } from '../../store/session.ts';
import { ProcessFacts } from './process-facts.tsx';

export function JobFacts({ job }: { job: Job }) {
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl class="facts">
        {job.videoId !== null && <Fact name="Video"><a href={videoPath(job.videoId)}>{job.videoTitle ?? job.videoId}</a></Fact>}
        <Fact name="Priority"><Priority value={job.priority} /></Fact>
        <Fact name="Resource">{RESOURCE[job.resourceCategory]}{job.vramRequired > 0 && `, ${megabytes(job.vramRequired)} of VRAM`}</Fact>
        {job.queuePosition !== null && <Fact name="Place in the queue">{job.queuePosition === 1 ? 'Next' : `Number ${job.queuePosition}`}</Fact>}
        {job.nodeId !== null && <Fact name="Node">{job.nodeId}{job.deviceId !== null && <span class="muted">, device {job.deviceId}</span>}</Fact>}
        {job.nodeId !== null && (job.status === 'running' || job.status === 'paused') && can('nodes') && <ProcessFacts job={job} nodeId={job.nodeId} />}
        <Fact name="Created"><When iso={job.createdAt} />{job.createdBy !== null && <span class="muted"> by {job.createdBy}</span>}</Fact>
        <Fact name="Started"><When iso={job.startedAt} /></Fact>
        <Fact name="Completed"><When iso={job.completedAt} /></Fact>
        {job.startedAt !== null && (job.status === 'running' || job.completedAt !== null) && <Fact name="Took"><Took from={job.startedAt} to={job.completedAt} /></Fact>}
        <Fact name="Retries">{job.retryCount} of {job.maxRetries}{job.retryAfter !== null && job.status === 'pending' && `, next at ${timeOfDay(Date.parse(job.retryAfter))}`}</Fact>
        {job.lostCount > 0 && <Fact name="Node lost, or short of memory">{job.lostCount} times</Fact>}
        {Object.keys(job.labels).length > 0 && <Fact name="Labels">{Object.entries(job.labels).map(([key, value]) => `${key}=${value}`).join(', ')}</Fact>}
        <Fact name="Id"><span class="id"><code>{job.id}</code><button type="button" class="icon-button small" aria-label="Copy the id" onClick={() => void copyText(job.id, 'Id')}><Icon name="copy" size={15} /></button></span></Fact>
      </dl>
      <h3>Parameters</h3>
      <Params params={job.params} />
    </section>
  );
}

const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => <div><dt>{name}</dt><dd>{children}</dd></div>;

function Params({ params }: { params: Job['params'] }) {
  const entries = Object.entries(params);
  if (entries.length === 0) return <p class="muted small">None: all defaults.</p>;
  return (
    <dl class="facts mono">
      {entries.map(([name, value]) => <Fact key={name} name={name}>{typeof value === 'string' ? value : JSON.stringify(value)}</Fact>)}
    </dl>
  );
}
