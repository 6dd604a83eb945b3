import type { Job } from '@reelay/contracts';
import type { JobAction } from '../model/job-actions.ts';
import { actionsFor } from '../model/job-actions.ts';
import { jobPath, navigate, videoPath } from '../router.ts';
import { actOnJob } from '../store/commands.ts';
import { can } from '../store/session.ts';
import type { IconName } from './icon.tsx';
import { Icon } from './icon.tsx';
import type { MenuItem } from './menu.tsx';
import { Menu } from './menu.tsx';

const WORDS: Readonly<Record<JobAction, { readonly label: string; readonly icon: IconName }>> = {
  retry: { label: 'Retry', icon: 'retry' },
  pause: { label: 'Pause', icon: 'pause' },
  resume: { label: 'Resume', icon: 'play' },
  priority: { label: 'Change priority', icon: 'queue' },
  cancel: { label: 'Cancel', icon: 'cross' },
};

/** In a row: everything in one menu. */
export function JobMenu({ job, onChanged }: { job: Job; onChanged: () => void }) {
  const items: MenuItem[] = [
    { label: 'Details and log', icon: 'list', onSelect: () => navigate(jobPath(job.id)) },
    ...(job.videoId === null ? [] : [{ label: 'Open the video', icon: 'play', onSelect: () => navigate(videoPath(job.videoId ?? '')) } as const]),
    ...allowed(job).map((action, index): MenuItem => ({
      label: WORDS[action].label, icon: WORDS[action].icon, divided: index === 0, danger: action === 'cancel', onSelect: () => void act(job, action, onChanged),
    })),
  ];
  return <Menu label={`Actions on this ${job.status} job`} items={items} />;
}

/** On the job's own page: one button each. */
export function JobButtons({ job, onChanged }: { job: Job; onChanged: () => void }) {
  return (
    <>
      {allowed(job).map((action) => (
        <button key={action} type="button" class={action === 'cancel' ? 'button danger-text' : 'button'} onClick={() => void act(job, action, onChanged)}>
          <Icon name={WORDS[action].icon} />{WORDS[action].label}
        </button>
      ))}
    </>
  );
}

const allowed = (job: Job): readonly JobAction[] => (can('manageJobs') ? actionsFor(job) : []);

async function act(job: Job, action: JobAction, onChanged: () => void): Promise<void> {
  if (await actOnJob(job, action)) onChanged();
}
