import { JOB_SORTS, JOB_STATUSES, JOB_TYPES, jobListSchema, RESOURCE_CATEGORIES } from '@reelay/contracts';
import { Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { listOption, wholeNumber } from '../values.ts';
import { type ListOptions, listText } from './list-text.ts';
import { watchJobs } from './watch.ts';

const queryOf = (options: ListOptions): string => {
  const pairs: [string, string | undefined][] = [
    ['page', String(options.page)], ['limit', String(options.limit)], ['sort', options.sort], ['status', options.status?.join(',')], ['type', options.type?.join(',')],
    ['resourceCategory', options.category], ['q', options.search], ['nodeId', options.node], ['videoId', options.video], ['createdBy', options.createdBy],
  ];
  return new URLSearchParams(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined)).toString();
};

export const lsCommand = (cli: Cli): Command =>
  new Command('ls').alias('list').description('list jobs')
    .addOption(listOption('-s, --status <status,…>', 'only with these statuses', JOB_STATUSES))
    .addOption(listOption('-t, --type <type,…>', 'only of these types', JOB_TYPES))
    .addOption(new Option('--category <category>', 'only of this resource category').choices(RESOURCE_CATEGORIES))
    .option('-q, --search <text>', 'only with this text in id, type, error, path or title')
    .option('--node <id>', 'only those that ran, or run, on this node')
    .option('--video <id>', 'only those of this video')
    .option('--created-by <user>', 'only those of this user')
    .addOption(new Option('--sort <field>', 'a leading - turns the order round').choices(JOB_SORTS).default('-createdAt'))
    .option('--page <n>', 'which page', wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .option('--limit <n>', 'jobs on a page, 100 at most', wholeNumber(1, 100), 20)
    .option('-w, --watch', 'go on and show every change; with --json one job per line as it changes')
    .action(async (options: ListOptions) => {
      const api = await cli.api();
      const path = `/api/media/jobs?${queryOf(options)}`;
      if (options.watch === true) return watchJobs(cli, api, path, options);
      const json = await api.get(path);
      cli.show(json, () => cli.printer.line(listText(cli, understood(jobListSchema, json))));
    });
