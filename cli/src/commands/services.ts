import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../errors.ts';

interface ServiceOptions {
  detach?: boolean;
  logFile?: string;
}

const SERVICES: readonly { name: string; program: string; what: string }[] = [
  { name: 'gateway', program: 'gateway.js', what: 'API, streams and live events' },
  { name: 'scheduler', program: 'scheduler.js', what: 'it decides where jobs run' },
  { name: 'agent', program: 'node-agent.js', what: 'it runs the jobs of this host' },
];

/** What every service takes; everything else is a setting. */
export const withServiceOptions = (command: Command): Command =>
  command.option('--detach', 'run it in the background; ends when it is ready').option('--log-file <file>', 'write the log there; with --detach the default is logs/ in the data folder');

/** The command becomes the program: same process, terminal, signals and exit codes. @throws Failure */
export const becomeProgram = (cli: Cli, file: string, { detach = false, logFile }: ServiceOptions): void => {
  if (!existsSync(file)) throw new Failure(`${file} is missing; npm run build builds the programs, and only a clone has the launcher`);
  cli.next = {
    file,
    args: [...(detach ? ['--detach'] : []), ...(logFile === undefined ? [] : ['--log-file', resolve(cli.io.cwd, logFile)])],
    env: cli.options.dataDir === undefined ? {} : { REELAY_DATA_DIR: cli.place.dataDir },
  };
};

export const serviceCommands = (cli: Cli): Command[] =>
  SERVICES.map(({ name, program, what }) =>
    withServiceOptions(new Command(name).description(`run the ${name} alone, in this terminal (${what})`)).action((options: ServiceOptions) => becomeProgram(cli, join(cli.root, 'dist', program), options)));
