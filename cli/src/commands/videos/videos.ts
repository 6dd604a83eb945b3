import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { lsCommand } from './ls.ts';
import { scanCommand } from './scan.ts';
import { showCommand } from './show.ts';
import { uploadCommand } from './upload.ts';

export const videosCommand = (cli: Cli): Command => {
  const group = new Command('videos').description('list, upload and find videos');
  for (const make of [lsCommand, showCommand, uploadCommand, scanCommand]) group.addCommand(make(cli));
  return group;
};
