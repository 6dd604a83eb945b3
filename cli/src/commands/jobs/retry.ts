import { retryResponse } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { eachJob, withJobIds } from './find-job.ts';

export const retryCommand = (cli: Cli): Command =>
  withJobIds(new Command('retry').description('run failed jobs again, now')).action(async (ids: string[]) => {
    const api = await cli.api();
    const json = await eachJob(api, ids, async (id) => {
      const answer = (await api.call('POST', `/api/media/jobs/${id}/retry`)).json;
      const { status, retryCount } = understood(retryResponse, answer);
      if (!cli.json) cli.printer.line(`${id}  ${status} again, retry ${retryCount}`);
      return answer;
    });
    if (cli.json) cli.printer.json(json);
  });
