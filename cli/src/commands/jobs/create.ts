import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { JOB_TYPES, type JobType, jobSchema, jobTypeSchema } from '@reelay/contracts';
import { delay, errorCode } from '@reelay/runtime';
import { Argument, Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { type ApiClient, understood } from '../../connection/api-client.ts';
import { Unreachable, UsageError } from '../../errors.ts';
import { pairs, seconds, wholeNumber } from '../values.ts';
import { paramsFromJson, paramsFromPairs } from './params.ts';
import { waitForJob } from './wait.ts';

interface CreateOptions {
  param?: [string, string][];
  params?: string;
  paramsFile?: string;
  priority?: number;
  vram?: number;
  maxRetries?: number;
  label?: [string, string][];
  idempotencyKey?: string;
  wait?: boolean;
  timeout?: number;
}

const TRIES = 3;
const RETRY_MS = 500;

/** `-` is standard input. @throws UsageError */
const readParamsFile = async (cli: Cli, path: string): Promise<string> => {
  if (path === '-') return text(cli.io.input);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--params-file: ${path} cannot be read (${errorCode(error) ?? 'unknown error'})`, {}, error);
  }
};

const bodyOf = async (cli: Cli, type: JobType, options: CreateOptions): Promise<Record<string, unknown>> => ({
  type,
  params: {
    ...(options.paramsFile === undefined ? {} : paramsFromJson(await readParamsFile(cli, options.paramsFile), `--params-file ${options.paramsFile}`)),
    ...(options.params === undefined ? {} : paramsFromJson(options.params, '--params')),
    ...paramsFromPairs(type, options.param ?? []),
  },
  ...(options.priority === undefined ? {} : { priority: options.priority }),
  ...(options.vram === undefined ? {} : { vramRequired: options.vram }),
  ...(options.maxRetries === undefined ? {} : { maxRetries: options.maxRetries }),
  ...(options.label === undefined ? {} : { labels: Object.fromEntries(options.label) }),
});

/** The key makes it safe to ask again when the answer was lost: the job is made once. @throws ApiRefusal, Unreachable */
export const fileJob = async (cli: Cli, api: ApiClient, body: Record<string, unknown>, key: string = randomUUID()): Promise<unknown> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return (await api.call('POST', '/api/media/jobs', { body, headers: { 'idempotency-key': key } })).json;
    } catch (error) {
      if (!(error instanceof Unreachable) || error.refused || tries === TRIES) throw error;
      await delay(cli.io.clock, RETRY_MS);
    }
  }
};

/** Prints the job that was filed, or waits for its end and prints that. */
export const showFiled = async (cli: Cli, api: ApiClient, json: unknown, options: { wait?: boolean; timeout?: number }): Promise<void> => {
  const job = understood(jobSchema, json);
  if (options.wait === true) return waitForJob(cli, api, job, options.timeout);
  return cli.show(json, () => cli.printer.line(`${job.id}  ${job.type} ${job.status}${job.waitingReason === null ? '' : `: ${job.waitingReason}`}`));
};

export const createCommand = (cli: Cli): Command =>
  new Command('create').description('file a job')
    .addArgument(new Argument('<type>', 'what to do; reelay jobs types lists them').choices(JOB_TYPES))
    .addOption(new Option('-p, --param <name=value>', 'a parameter of the type; may be given more than once').argParser(pairs))
    .option('--params <json>', 'parameters as a JSON object')
    .option('--params-file <file>', 'the same from a file; - reads standard input')
    .option('--priority <n>', '1 is first, 10 is last', wholeNumber(1, 10))
    .option('--vram <mb>', 'GPU memory to book, in MB', wholeNumber(0, 1_000_000))
    .option('--max-retries <n>', 'automatic tries after a failure', wholeNumber(0, 20))
    .addOption(new Option('-l, --label <name=value>', 'a label; may be given more than once').argParser(pairs))
    .option('--idempotency-key <key>', 'the same key twice files one job')
    .option('--wait', 'show its progress and end as it ends: 0 completed, 7 failed or cancelled')
    .option('--timeout <time>', 'with --wait: wait no longer than this (30, 90s, 5m, 1h); the job goes on', seconds)
    .action(async (type: string, options: CreateOptions) => {
      const api = await cli.api();
      const json = await fileJob(cli, api, await bodyOf(cli, jobTypeSchema.parse(type), options), options.idempotencyKey);
      await showFiled(cli, api, json, options);
    });
