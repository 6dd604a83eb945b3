import { jobStatsSchema } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { duration } from '../../output/words.ts';

export const statsCommand = (cli: Cli): Command =>
  new Command('stats').description('figures of the queue').action(async () => {
    const json = await (await cli.api()).get('/api/media/jobs/stats');
    cli.show(json, () => {
      const stats = understood(jobStatsSchema, json);
      cli.printer.fields([
        ['pending', stats.pending], ['queued', stats.queued], ['running', stats.running], ['paused', stats.paused],
        ['completed', stats.completed], ['failed', stats.failed], ['cancelled', stats.cancelled],
        ['GPU memory', `${stats.totalVramUsed} of ${stats.totalVramAvailable} MB booked`],
        ['average time', duration(stats.averageProcessingTime)],
      ]);
      const types = Object.entries(stats.jobsByType);
      if (types.length === 0) return;
      cli.printer.line();
      cli.printer.table<[string, number]>([{ title: 'TYPE', value: ([type]) => type }, { title: 'JOBS', value: ([, jobs]) => jobs, align: 'right' }], types);
    });
  });
