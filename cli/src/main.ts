// What reelay.mjs loads when the clone is built: the command line from its words to its exit code.
import { pathToFileURL } from 'node:url';
import { systemClock } from '@reelay/runtime';
import type { NextProgram } from './cli.ts';
import { EXIT } from './exit-codes.ts';
import type { Io } from './io.ts';
import { type CliStart, run } from './run.ts';

/** Whoever reads our output may leave at any time (`| head`): that is no error. */
const endQuietly = (error: Error): void => {
  process.exit('code' in error && error.code === 'EPIPE' ? EXIT.ok : EXIT.failure);
};

const written = (stream: NodeJS.WriteStream): Promise<void> => new Promise((resolve) => void stream.write('', () => resolve()));

/**
 * Becomes another program of Reelay, as exec does: same process id, terminal, signals and exit code.
 * Its main module reads its arguments where it would find them, had it been started by itself.
 */
const become = async ({ file, args, env }: NextProgram): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) stream.off('error', endQuietly);
  process.argv = [process.execPath, file, ...args];
  Object.assign(process.env, env);
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(file).href);
};

/** Ends the process with the command's code, unless the command is another program. */
export const main = async (start: CliStart): Promise<void> => {
  process.stdout.on('error', endQuietly);
  process.stderr.on('error', endQuietly);
  const io: Io = { env: process.env, cwd: process.cwd(), out: process.stdout, err: process.stderr, input: process.stdin, clock: systemClock };
  const end = await run(io, start);
  if (typeof end === 'object') return become(end);
  await Promise.all([written(process.stdout), written(process.stderr)]);
  process.exit(end);
};
