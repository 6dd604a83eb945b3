import { cancelResponse, isFinal, type Job } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { type ApiClient, understood } from '../../connection/api-client.ts';
import { EXIT } from '../../exit-codes.ts';
import { eachJob, withJobIds } from './find-job.ts';
import { untilEnd } from './wait.ts';

type CancelAnswer = ReturnType<typeof cancelResponse.parse>;

/** What the gateway waits itself is over then: a job gets 5 s between TERM and KILL. */
const END_MS = 20_000;

const outcome = (status: Job['status']): string => {
  if (status === 'cancelled') return 'cancelled';
  if (isFinal(status)) return `${status} before the cancel reached it`;
  return `still ${status}; it is being cancelled`;
};

/** The same answer once the job is over, or as it is after a while. */
const lateAnswer = async (cli: Cli, api: ApiClient, id: string): Promise<CancelAnswer> => {
  const controller = new AbortController();
  const callOff = cli.io.clock.after(END_MS, () => controller.abort());
  try {
    for await (const job of untilEnd(cli, api, id, { signal: controller.signal, onInterrupted: (why) => cli.printer.note(`${why}; trying again`) })) if (isFinal(job.status)) break;
  } finally {
    callOff();
    controller.abort();
  }
  return cancelResponse.parse(await api.get(`/api/media/jobs/${id}`));
};

/** A running job may end by itself before the cancel reaches it: then that end counts, and it is said. */
export const cancelCommand = (cli: Cli): Command =>
  withJobIds(new Command('cancel').description('cancel jobs; says whether the cancel or the job’s own end was first'))
    .option('--no-wait', 'do not wait for the end of a running job')
    .action(async (ids: string[], { wait }: { wait: boolean }) => {
      const api = await cli.api();
      const json = await eachJob(api, ids, async (id) => {
        const answer = (await api.call('POST', `/api/media/jobs/${id}/cancel`)).json;
        const first = understood(cancelResponse, answer);
        const last = isFinal(first.status) || !wait ? first : await lateAnswer(cli, api, id);
        if (last.status === 'completed' || last.status === 'failed') cli.exitCode = EXIT.conflict;
        if (!cli.json) cli.printer.line(`${id}  ${outcome(last.status)}`);
        return last === first ? answer : last;
      });
      if (cli.json) cli.printer.json(json);
    });
