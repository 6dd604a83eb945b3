import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { Cli, globalOptions } from './cli.ts';
import { completionCommand } from './commands/completion.ts';
import { doctorCommand } from './commands/doctor.ts';
import { jobsCommand } from './commands/jobs/jobs.ts';
import { loginCommand } from './commands/login.ts';
import { logoutCommand } from './commands/logout.ts';
import { nodesCommand } from './commands/nodes/nodes.ts';
import { serviceCommands } from './commands/services.ts';
import { reloadCommand } from './commands/reload.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { stopCommand } from './commands/stop.ts';
import { versionCommand } from './commands/version.ts';
import { videosCommand } from './commands/videos/videos.ts';
import { whoamiCommand } from './commands/whoami.ts';
import type { Io } from './io.ts';

const HEAD = 'Self-hosted media platform: run it, look at it, file and follow jobs.';
const FOOT = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running, 4 not found, 5 not permitted,
6 unreachable, 7 the job failed, 8 something else was first, 9 timed out. See docs/cli.md.`;

/** The whole command line. Completion, the documentation and the help are made from this tree. */
export const buildProgram = (io: Io, root: string): { program: Command; cli: Cli } => {
  const program = new Command('reelay').description(HEAD);
  for (const option of globalOptions()) program.addOption(option);
  const cli = new Cli(program, io, root);
  const groups: [heading: string, commands: Command[]][] = [
    ['Running it:', [startCommand(cli), stopCommand(cli), reloadCommand(cli), statusCommand(cli), doctorCommand(cli), ...serviceCommands(cli)]],
    ['Using it:', [jobsCommand(cli), nodesCommand(cli), videosCommand(cli)]],
    ['Signing in:', [loginCommand(cli), logoutCommand(cli), whoamiCommand(cli)]],
    ['This program:', [completionCommand(cli), versionCommand(cli)]],
  ];
  for (const [heading, commands] of groups) for (const command of commands) program.addCommand(command.helpGroup(heading));
  program.version(manifest.version, '--version', 'print the version').helpOption('-h, --help', 'print help').helpCommand('help [command]', 'print help of a command');
  program.addHelpText('after', FOOT);
  settle(program, io);
  return { program, cli };
};

/** How every command of the tree speaks and ends. */
const settle = (program: Command, io: Io): void => {
  program
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(io.out.columns || 100, 120) })
    .configureOutput({
      writeOut: (text) => void io.out.write(text),
      writeErr: (text) => void io.err.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(text.replace(/^error: /, 'reelay: ')),
    });
  const inherit = (parent: Command): void => {
    for (const child of parent.commands) {
      child.copyInheritedSettings(parent);
      inherit(child);
    }
  };
  inherit(program);
};
