import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../errors.ts';

/** What npm start runs: Postgres, NATS, gateway, scheduler and one agent, each started again when it ends. */
export const startCommand = (cli: Cli): Command =>
  new Command('start').description('run the whole system on this machine, as npm start does')
    .option('--detach', 'run it in the background; ends when it is ready')
    .action(({ detach = false }: { detach?: boolean }) => {
      const file = join(cli.root, 'launcher', 'start.mjs');
      if (!existsSync(file)) throw new Failure('This installation has no launcher: run the services one by one (reelay gateway, scheduler, agent), or use a clone');
      cli.next = { file, args: detach ? ['--detach'] : [], env: cli.options.dataDir === undefined ? {} : { REELAY_DATA_DIR: cli.place.dataDir } };
    });
