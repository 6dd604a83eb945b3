import { toError } from '@reelay/runtime';
import { CommanderError } from 'commander';
import type { Cli, NextProgram } from './cli.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Io } from './io.ts';
import { buildProgram } from './program.ts';

/** What reelay.mjs hands over: where Reelay lies, and the words after the command's name. */
export interface CliStart {
  root: string;
  argv: readonly string[];
}

/** Runs one command line; answers its exit code, or the program that this process is to become. */
export const run = async (io: Io, { root, argv }: CliStart): Promise<number | NextProgram> => {
  const { program, cli } = buildProgram(io, root);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return cli.next ?? cli.exitCode;
  } catch (thrown) {
    return report(cli, thrown);
  }
};

const report = async (cli: Cli, thrown: unknown): Promise<number> => {
  // It has said its word already.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const error = toError(await cli.explain(thrown));
  cli.printer.error(error.message.replaceAll(/\s*\n\s*/g, ' '));
  if (error instanceof CliError) return error.exitCode;
  if (cli.io.env.REELAY_DEBUG) cli.printer.note(error.stack ?? '');
  return EXIT.failure;
};
