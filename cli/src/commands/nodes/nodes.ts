import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { cordonCommand, drainCommand, resumeCommand } from './admin-state.ts';
import { lsCommand } from './ls.ts';
import { killCommand, psCommand } from './processes.ts';
import { showCommand } from './show.ts';

export const nodesCommand = (cli: Cli): Command => {
  const group = new Command('nodes').description('look at nodes and their processes, take nodes out of service');
  for (const make of [lsCommand, showCommand, drainCommand, resumeCommand, cordonCommand, psCommand, killCommand]) group.addCommand(make(cli));
  return group;
};
