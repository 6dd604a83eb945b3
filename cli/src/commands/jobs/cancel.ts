import { cancelResponse } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { EXIT } from '../../exit-codes.ts';
import { eachJob, withJobIds } from './find-job.ts';

/** A running job may end by itself before the cancel reaches it: then that end counts, and it is said. */
export const cancelCommand = (cli: Cli): Command =>
  withJobIds(new Command('cancel').description('cancel jobs; says whether the cancel or the job’s own end was first')).action(async (ids: string[]) => {
    const api = await cli.api();
    const json = await eachJob(api, ids, async (id) => {
      const answer = (await api.call('POST', `/api/media/jobs/${id}/cancel`)).json;
      const { status } = understood(cancelResponse, answer);
      if (status === 'completed' || status === 'failed') cli.exitCode = EXIT.conflict;
      if (!cli.json) cli.printer.line(`${id}  ${outcome(status)}`);
      return answer;
    });
    if (cli.json) cli.printer.json(json);
  });

const outcome = (status: string): string => {
  if (status === 'cancelled') return 'cancelled';
  if (status === 'completed' || status === 'failed') return `${status} before the cancel reached it`;
  return `still ${status}; it is being cancelled`;
};
