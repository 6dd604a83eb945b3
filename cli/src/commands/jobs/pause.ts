import { stateResponse } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { eachJob, withJobIds } from './find-job.ts';

export const pauseCommand = (cli: Cli): Command =>
  withJobIds(new Command('pause').description('pause jobs; a running one is frozen and keeps its slot and GPU memory'))
    .option('--release', 'end the attempt of a running job instead and give back what it holds')
    .action(async (ids: string[], { release = false }: { release?: boolean }) => {
      const api = await cli.api();
      const json = await eachJob(api, ids, async (id) => {
        const answer = (await api.call('POST', `/api/media/jobs/${id}/pause`, { body: { release } })).json;
        if (!cli.json) cli.printer.line(`${id}  ${understood(stateResponse, answer).status}`);
        return answer;
      });
      if (cli.json) cli.printer.json(json);
    });
