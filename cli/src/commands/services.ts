import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../errors.ts';

const SERVICES: readonly { name: string; program: string; what: string }[] = [
  { name: 'gateway', program: 'gateway.js', what: 'the HTTP API, streams and live events' },
  { name: 'scheduler', program: 'scheduler.js', what: 'which decides where jobs run' },
  { name: 'agent', program: 'node-agent.js', what: 'which runs the jobs of this host' },
];

/** The command becomes the service: same process, terminal, signals and exit codes. Its settings are the environment's. */
export const serviceCommands = (cli: Cli): Command[] =>
  SERVICES.map(({ name, program, what }) =>
    new Command(name).description(`run the ${name} in this terminal: ${what}`)
      .option('--detach', 'run it in the background; ends when it is ready')
      .action(({ detach = false }: { detach?: boolean }) => {
        const file = join(cli.root, 'dist', program);
        if (!existsSync(file)) throw new Failure(`${file} is missing; build it with npm run build`);
        cli.next = { file, args: detach ? ['--detach'] : [], env: cli.options.dataDir === undefined ? {} : { REELAY_DATA_DIR: cli.place.dataDir } };
      }));
