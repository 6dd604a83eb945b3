import { Argument, Command } from 'commander';
import type { Cli } from '../cli.ts';

export const completionCommand = (cli: Cli): Command =>
  new Command('completion').description('print the completion script of a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: string) => cli.printer.line(shell));
