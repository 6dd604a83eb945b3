import { join } from 'node:path';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { becomeProgram, withServiceOptions } from './services.ts';

/** What npm start runs: Postgres, NATS, gateway, scheduler and one agent, each started again when it ends. */
export const startCommand = (cli: Cli): Command =>
  withServiceOptions(new Command('start').description('run the whole system on this machine, as npm start does'))
    .action((options: { detach?: boolean; logFile?: string }) => becomeProgram(cli, join(cli.root, 'launcher', 'start.mjs'), options));
