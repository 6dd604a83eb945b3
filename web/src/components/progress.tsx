import type { Job } from '@reelay/contracts';
import { remaining } from '../model/format.ts';

export function Bar({ percent, label, tone = 'accent' }: { percent: number; label: string; tone?: 'accent' | 'green' | 'red' | 'grey' | 'yellow' }) {
  const value = Math.max(0, Math.min(100, percent));
  return (
    <div class="bar" role="progressbar" aria-label={label} aria-valuenow={Math.round(value)} aria-valuemin={0} aria-valuemax={100} data-tone={tone}>
      <div class="bar-fill" style={{ transform: `scaleX(${value / 100})` }} />
    </div>
  );
}

const TONES = { completed: 'green', failed: 'red', running: 'yellow', cancelled: 'grey', paused: 'grey', pending: 'grey', queued: 'grey' } as const;

/** Progress of a job, with what is left and how fast it goes while it runs. */
export function JobProgress({ job, long = false }: { job: Job; long?: boolean }) {
  if (job.progress === 0 && (job.status === 'pending' || job.status === 'queued')) return <span class="muted" aria-label="Not started">–</span>;
  const facts = job.status === 'running' ? runningFacts(job) : [];
  return (
    <div class="job-progress">
      <div class="row tight">
        <Bar percent={job.progress} label="Progress" tone={TONES[job.status]} />
        <span class="number">{job.progress}%</span>
      </div>
      {facts.length > 0 && <div class="small muted">{(long ? facts : facts.slice(0, 1)).join(' · ')}</div>}
    </div>
  );
}

function runningFacts(job: Job): string[] {
  return [
    ...(job.etaSeconds === null ? [] : [remaining(job.etaSeconds)]),
    ...(job.speed === null || job.speed < 0.05 ? [] : [`${job.speed.toFixed(1)}× real time`]),
    ...(job.fps === null || job.fps < 1 ? [] : [`${Math.round(job.fps)} fps`]),
  ];
}
