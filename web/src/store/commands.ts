/** What people do to jobs, videos and nodes: ask where it matters, do it, say what happened. */
import type { Job, Node, Video } from '@reelay/contracts';
import { api, toApiError } from '../api.ts';
import { confirm } from '../components/confirm.tsx';
import type { JobAction } from '../model/job-actions.ts';
import { JOB_TYPE } from '../model/words.ts';
import { openDialog } from './dialogs.ts';
import { unlessInUse } from './file-use.ts';
import { jobs, nodes, videos } from './live-store.ts';
import { say } from './toasts.ts';

/** @returns true when it was done */
async function attempt(work: () => Promise<string>): Promise<boolean> {
  try {
    say(await work());
    return true;
  } catch (failure) {
    say(toApiError(failure).message, { tone: 'error' });
    return false;
  }
}

const nameOf = (job: Job): string => (job.videoTitle === null ? JOB_TYPE[job.type].title : `${JOB_TYPE[job.type].title} of “${job.videoTitle}”`);

/** @returns true when the job changed */
export async function actOnJob(job: Job, action: JobAction): Promise<boolean> {
  if (action === 'priority') {
    openDialog.value = { kind: 'priority', job };
    return false;
  }
  if (action === 'cancel' && !(await confirmCancel(job))) return false;
  const done = await attempt(async () => {
    const { status, cancelRequestedAt } = await api.actOnJob(job.id, action);
    return sentenceFor(action, status, cancelRequestedAt ?? null);
  });
  await refreshJob(job.id);
  return done;
}

const confirmCancel = (job: Job): Promise<boolean> =>
  confirm({
    title: 'Cancel this job?',
    text: job.status === 'running' ? `${nameOf(job)} is at ${job.progress}%. Its work so far is lost.` : `${nameOf(job)} will not run.`,
    action: 'Cancel the job', keep: 'Keep it', danger: true,
  });

function sentenceFor(action: Exclude<JobAction, 'priority'>, status: Job['status'], cancelRequestedAt: string | null): string {
  switch (action) {
    case 'cancel':
      if (status === 'completed') return 'The job had already completed';
      return status !== 'cancelled' && cancelRequestedAt !== null ? 'The job is being cancelled' : 'Job cancelled';
    case 'retry': return 'The job will run again';
    case 'pause': return 'Job paused';
    case 'resume': break;
  }
  return status === 'running' ? 'The job runs on' : 'The job waits to run again';
}

/** After an action the row is read again, so that it is right even while live updates are down. */
async function refreshJob(id: string): Promise<void> {
  try {
    jobs.put(await api.job(id));
  } catch {
    // The next load of the list shows it.
  }
}

export async function setVisibility(video: Video, isPublic: boolean): Promise<boolean> {
  return attempt(async () => {
    videos.put(await api.patchVideo(video.id, { isPublic }));
    return isPublic ? `“${video.title}” is public: anyone with the link can play it` : `“${video.title}” is private`;
  });
}

export async function deleteVideo(video: Video): Promise<boolean> {
  const yes = await confirm({ title: 'Delete this video?', text: `“${video.title}” and its file ${video.path} go to the trash.`, action: 'Delete', danger: true });
  if (!yes) return false;
  try {
    if ((await unlessInUse((use) => api.deleteVideo(video.id, use))) === null) return false;
    say(`“${video.title}” deleted`, { action: { label: 'Undo', run: () => void restoreVideo(video) } });
    return true;
  } catch (failure) {
    say(toApiError(failure).message, { tone: 'error' });
    return false;
  }
}

const restoreVideo = (video: Video): Promise<boolean> =>
  attempt(async () => {
    await api.restoreVideo(video.id);
    return `“${video.title}” is back`;
  });

const NODE_QUESTIONS = {
  cordon: { title: 'Cordon', text: 'takes no new jobs until it is resumed; what runs there goes on.', done: 'is cordoned' },
  resume: { title: 'Resume', text: 'takes jobs again.', done: 'takes jobs again' },
} as const;

export async function actOnNode(node: Node, action: 'resume' | 'cordon'): Promise<boolean> {
  const words = NODE_QUESTIONS[action];
  const yes = await confirm({ title: `${words.title} ${node.name}?`, text: `The node ${words.text}`, action: words.title, keep: 'Leave it' });
  return yes && attempt(async () => {
    nodes.put(await api.actOnNode(node.id, action));
    return `${node.name} ${words.done}`;
  });
}
