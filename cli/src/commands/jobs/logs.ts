import { jobSchema } from '@reelay/contracts';
import { terminalText } from '@reelay/runtime';
import { Command } from 'commander';
import { z } from 'zod';
import type { Cli } from '../../cli.ts';
import { type ApiClient, understood } from '../../connection/api-client.ts';
import { live } from '../../connection/live.ts';
import { wholeNumber } from '../values.ts';
import { findJobId, ID_HELP } from './find-job.ts';

interface LogsOptions {
  follow?: boolean;
  tail?: number;
}

const RETRY_FOR_MS = 5 * 60_000;
const CURSOR_HEADER = 'x-log-cursor';
const linesSchema = z.object({ lines: z.array(z.string()) });

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** What is stored so far, and the place after it. */
const storedLog = async (api: ApiClient, id: string): Promise<{ lines: string[]; cursor: string }> => {
  const response = await api.open('GET', `/api/media/jobs/${id}/log`, { headers: { accept: 'text/plain' }, limitMs: null });
  return { lines: linesOf(await response.text()), cursor: response.headers.get(CURSOR_HEADER) ?? '0' };
};

/** Each line once: the stream's ids are places in the stored log, and a new connection goes on after the last one. */
const follow = async (cli: Cli, api: ApiClient, path: string, say: (line: string) => void): Promise<void> => {
  const options = { clock: cli.io.clock, retryForMs: RETRY_FOR_MS, onInterrupted: (why: string) => cli.printer.note(`${why}; trying again`) };
  for await (const message of live(api, path, options)) {
    if (message.kind === 'opened') continue;
    if (message.event === 'end') return;
    if (message.event === 'lines') for (const line of understood(linesSchema, JSON.parse(message.data)).lines) say(line);
  }
};

const sayOutcome = async (cli: Cli, api: ApiClient, id: string): Promise<void> => {
  const { status, errorMessage } = understood(jobSchema, await api.get(`/api/media/jobs/${id}`));
  cli.printer.note(`The job ${status === 'completed' || status === 'failed' ? 'has' : 'was'} ${status}${errorMessage === null ? '' : `: ${errorMessage}`}`);
};

export const logsCommand = (cli: Cli): Command =>
  new Command('logs').description('print the log of a job; with --json each line as {"line": …}')
    .argument('<id>', ID_HELP)
    .option('-f, --follow', 'go on until the job ends, through restarts of the gateway')
    .option('-n, --tail <n>', 'of what there is so far only the last lines', wholeNumber(0, 1_000_000))
    .action(async (named: string, { follow: follows = false, tail }: LogsOptions) => {
      const api = await cli.api();
      const id = await findJobId(api, named);
      const say = (line: string): void => (cli.json ? cli.printer.jsonLine({ line }) : cli.printer.line(terminalText(line)));
      let after = '0';
      if (!follows || tail !== undefined) {
        const { lines, cursor } = await storedLog(api, id);
        after = cursor;
        for (const line of tail === undefined ? lines : tail === 0 ? [] : lines.slice(-tail)) say(line);
      }
      if (!follows) return;
      await follow(cli, api, `/api/media/jobs/${id}/log?follow=1&after=${after}`, say);
      await sayOutcome(cli, api, id);
    });
