import { jobSchema } from '@reelay/contracts';
import { Argument, Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { wholeNumber } from '../values.ts';
import { findJobId, ID_HELP } from './find-job.ts';

export const priorityCommand = (cli: Cli): Command =>
  new Command('priority').description('change the priority of a job')
    .argument('<id>', ID_HELP)
    .addArgument(new Argument('<priority>', '1 is first, 10 is last').argParser(wholeNumber(1, 10)))
    .action(async (named: string, priority: number) => {
      const api = await cli.api();
      const json = (await api.call('PATCH', `/api/media/jobs/${await findJobId(api, named)}`, { body: { priority } })).json;
      cli.show(json, () => {
        const job = understood(jobSchema, json);
        cli.printer.line(`${job.id}  priority ${job.priority}${job.queuePosition === null ? '' : `, place ${job.queuePosition} in the queue`}`);
      });
    });
