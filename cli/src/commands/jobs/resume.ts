import { stateResponse } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { eachJob, withJobIds } from './find-job.ts';

export const resumeCommand = (cli: Cli): Command =>
  withJobIds(new Command('resume').description('go on with paused jobs')).action(async (ids: string[]) => {
    const api = await cli.api();
    const json = await eachJob(api, ids, async (id) => {
      const answer = (await api.call('POST', `/api/media/jobs/${id}/resume`)).json;
      if (!cli.json) cli.printer.line(`${id}  ${understood(stateResponse, answer).status}`);
      return answer;
    });
    if (cli.json) cli.printer.json(json);
  });
