import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { fileJob, showFiled } from '../jobs/create.ts';
import { seconds } from '../values.ts';

interface ScanOptions {
  again?: boolean;
  recursive: boolean;
  wait?: boolean;
  timeout?: number;
}

export const scanCommand = (cli: Cli): Command =>
  new Command('scan').description('file a job that looks for new videos in a directory of the library')
    .argument('[directory]', 'name of the directory below library/', 'videos')
    .option('--again', 'also look at what is known already')
    .option('--no-recursive', 'not in folders below it')
    .option('--wait', 'show its progress and end as it ends: 0 completed, 7 failed or cancelled')
    .option('--timeout <time>', 'with --wait: wait no longer than this (30, 90s, 5m, 1h); the job goes on', seconds)
    .action(async (directoryType: string, { again = false, recursive, ...options }: ScanOptions) => {
      const api = await cli.api();
      await showFiled(cli, api, await fileJob(cli, api, { type: 'scan', params: { directoryType, skipExisting: !again, recursive } }), options);
    });
