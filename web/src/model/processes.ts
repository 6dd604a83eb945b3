/** Processes of the nodes in words. Pure. */
import type { EndProcess, JobStatus, Node, Process } from '@reelay/contracts';
import { bytes, megabytes, span } from './format.ts';
import type { Word } from './words.ts';
import { JOB_TYPE } from './words.ts';

const PROCESS_STATE: Readonly<Record<Process['state'], Word>> = {
  running: { label: 'Running', icon: 'running', tone: 'yellow' },
  frozen: { label: 'Frozen', icon: 'pause', tone: 'grey' },
  ending: { label: 'Ending', icon: 'stop', tone: 'red' },
};

/** A process that waits for its job is ready, not running. */
export const stateOf = ({ state, kind, job }: Process): Word =>
  state === 'running' && kind === 'batch' && job === null ? { label: 'Ready', icon: 'clock', tone: 'grey' } : PROCESS_STATE[state];

/** What it works for. */
export function purposeOf({ job, videoTitle, owner, kind }: Process): string {
  if (job !== null) return videoTitle === null ? JOB_TYPE[job.type].title : `${JOB_TYPE[job.type].title} of “${videoTitle}”`;
  return owner === null ? KIND[kind] : owner.charAt(0).toUpperCase() + owner.slice(1);
}

const KIND: Readonly<Record<Process['kind'], string>> = {
  batch: 'A job', interactive: 'A viewer', tool: 'A short question to a program', service: 'The node itself',
};

export const cpu = (percent: number | null): string => (percent === null ? '–' : `${Math.round(percent)}%`);
export const memory = (count: number | null): string => (count === null ? '–' : bytes(count));

/** "of 4 GB", where there is a limit. */
export const memoryOf = ({ rssBytes, memoryLimitMb }: Process): string => (memoryLimitMb === null ? memory(rssBytes) : `${memory(rssBytes)} of ${megabytes(memoryLimitMb)}`);

/** "3, CPU 182%, 312 MB": all of a node's processes together. */
export function totals(processes: readonly Process[]): string {
  if (processes.length === 0) return 'none';
  const sum = (figure: (process: Process) => number | null): number => processes.reduce((total, process) => total + (figure(process) ?? 0), 0);
  return `${processes.length}, CPU ${cpu(sum(({ cpuPercent }) => cpuPercent))}, ${bytes(sum(({ rssBytes }) => rssBytes))}`;
}

/** What ending it means, before it is done. */
export function consequence({ job, kind }: Process): string {
  if (job !== null) return 'The job fails, its work so far is lost, and it is not retried by itself. Retry on the job’s page runs it again.';
  switch (kind) {
    case 'batch': return 'It waits for the next job. The node starts another one in its place.';
    case 'interactive': return 'Somebody is watching what it makes; their player has to start again.';
    case 'tool': return 'What asked for it goes on without the answer.';
    case 'service': break;
  }
  return 'The node needs it and may stop working.';
}

const JOB_NOW: Readonly<Record<JobStatus, string>> = {
  failed: 'the job failed', cancelled: 'the job was cancelled', completed: 'the job had completed already', paused: 'the job stays paused',
  pending: 'the job waits to run again', queued: 'the job starts again', running: 'the job’s end is on its way',
};

/** How it went, afterwards. */
export function outcome({ result, pid, how, tookMs, forced, job }: EndProcess): string {
  const name = `Process ${pid ?? ''}`.trim();
  if (result === 'ending') return `${name} is still ending: it gets SIGKILL when its time is over`;
  const details = [how, tookMs === null ? null : `after ${span(tookMs / 1000)}`].filter((part) => part !== null).join(' ');
  const end = `${name} ${forced ? 'ignored SIGTERM and was killed' : 'ended'}${details === '' ? '' : ` (${details})`}`;
  return job === null ? end : `${end}; ${JOB_NOW[job.status]}`;
}

export const PRESSURE: Readonly<Record<NonNullable<Node['load']['memoryPressure']>['level'], Word>> = {
  soft: { label: 'Memory short', icon: 'warning', tone: 'yellow' },
  hard: { label: 'Memory very short', icon: 'warning', tone: 'red' },
};
