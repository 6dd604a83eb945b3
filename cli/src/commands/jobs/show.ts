import { type Attempt, attemptSchema, type Job, jobSchema } from '@reelay/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { toneOf } from '../../output/style.ts';
import { duration, localTime } from '../../output/words.ts';
import { findJobId, ID_HELP } from './find-job.ts';

const attemptsSchema = z.object({ data: z.array(attemptSchema) });

const tookSeconds = (job: Pick<Attempt, 'startedAt'>, endedAt: string | null, now: Date): string | null =>
  job.startedAt === null ? null : duration((new Date(endedAt ?? now).getTime() - new Date(job.startedAt).getTime()) / 1000);

const showJob = (cli: Cli, job: Job): void => {
  const now = cli.io.clock.now();
  cli.printer.fields([
    ['id', job.id],
    ['type', job.type],
    ['status', job.status, toneOf(job.status)],
    ['progress', `${job.progress} %${job.etaSeconds === null ? '' : `, about ${duration(job.etaSeconds)} to go`}`],
    ['message', job.statusMessage],
    ['waits because', job.waitingReason],
    ['error', job.errorMessage === null ? null : `${job.errorMessage}${job.errorCode === null ? '' : ` (${job.errorCode})`}`, 'bad'],
    ['cancel asked', localTime(job.cancelRequestedAt)],
    ['video', job.videoTitle === null ? job.videoId : `${job.videoTitle} (${job.videoId})`],
    ['parameters', JSON.stringify(job.params)],
    ['needs', `${job.resourceCategory}${job.vramRequired === 0 ? '' : `, ${job.vramRequired} MB of GPU memory`}`],
    ['priority', `${job.priority} (1 is first, 10 is last)${job.queuePosition === null ? '' : `, place ${job.queuePosition} in the queue`}`],
    ['node', job.nodeId === null ? null : `${job.nodeId}${job.deviceId === null ? '' : `, device ${job.deviceId}`}`],
    ['retries', `${job.retryCount} of ${job.maxRetries}${job.retryAfter === null ? '' : `, next at ${localTime(job.retryAfter) ?? ''}`}`],
    ['labels', Object.entries(job.labels).map(([name, value]) => `${name}=${value}`).join(', ')],
    ['created', `${localTime(job.createdAt) ?? ''}${job.createdBy === null ? '' : ` by ${job.createdBy}`}`],
    ['started', localTime(job.startedAt)],
    ['ended', localTime(job.completedAt)],
    ['took', tookSeconds(job, job.completedAt, now)],
  ]);
};

export const showCommand = (cli: Cli): Command =>
  new Command('show').description('show a job and its attempts; with --json the job as the API gives it, log included')
    .argument('<id>', ID_HELP)
    .action(async (named: string) => {
      const api = await cli.api();
      const id = await findJobId(api, named);
      const json = await api.get(`/api/media/jobs/${id}`);
      if (cli.json) return cli.printer.json(json);
      const { data: attempts } = understood(attemptsSchema, await api.get(`/api/media/jobs/${id}/attempts`));
      showJob(cli, understood(jobSchema, json));
      if (attempts.length === 0) return undefined;
      cli.printer.line();
      return cli.printer.table<Attempt>([
        { title: 'ATTEMPT', value: (one) => one.epoch, align: 'right' },
        { title: 'NODE', value: (one) => one.nodeId ?? '-' },
        { title: 'STARTED', value: (one) => localTime(one.startedAt) ?? '-' },
        { title: 'TOOK', value: (one) => tookSeconds(one, one.endedAt, cli.io.clock.now()) ?? '-' },
        { title: 'OUTCOME', value: (one) => one.outcome ?? 'runs', tone: (one) => toneOf(one.outcome ?? 'running') },
        { title: 'ERROR', value: (one) => one.errorMessage ?? '', mayCut: true },
      ], attempts);
    });
