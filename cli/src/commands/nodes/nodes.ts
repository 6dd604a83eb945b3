import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { cordonCommand, drainCommand, resumeCommand } from './admin-state.ts';
import { lsCommand } from './ls.ts';
import { showCommand } from './show.ts';

export const nodesCommand = (cli: Cli): Command => {
  const group = new Command('nodes').description('look at nodes and take them out of service');
  for (const make of [lsCommand, showCommand, drainCommand, resumeCommand, cordonCommand]) group.addCommand(make(cli));
  return group;
};
