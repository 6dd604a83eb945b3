import { Argument, Command } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { completionTree } from '../completion/tree.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { Cli } from '../cli.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
const MAKERS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export const completionCommand = (cli: Cli): Command =>
  new Command('completion').description('print the completion script of a shell: source <(reelay completion bash)')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => {
      const script = MAKERS[shell](completionTree(cli.program));
      cli.show({ shell, script }, () => cli.printer.line(script.trimEnd()));
    });
