import { Command } from 'commander';
import type { Cli } from '../cli.ts';

export const doctorCommand = (cli: Cli): Command => new Command('doctor').description('check everything that this installation needs').action(() => cli.printer.line());
