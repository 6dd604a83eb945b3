import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { cancelCommand } from './cancel.ts';
import { createCommand } from './create.ts';
import { logsCommand } from './logs.ts';
import { lsCommand } from './ls.ts';
import { pauseCommand } from './pause.ts';
import { priorityCommand } from './priority.ts';
import { resumeCommand } from './resume.ts';
import { retryCommand } from './retry.ts';
import { showCommand } from './show.ts';
import { statsCommand } from './stats.ts';
import { typesCommand } from './types.ts';

export const jobsCommand = (cli: Cli): Command => {
  const group = new Command('jobs').description('file, list, follow and change jobs');
  for (const make of [lsCommand, showCommand, createCommand, logsCommand, cancelCommand, retryCommand, pauseCommand, resumeCommand, priorityCommand, statsCommand, typesCommand]) {
    group.addCommand(make(cli));
  }
  return group;
};
