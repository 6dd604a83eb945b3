import { ConfigError } from '../config.ts';
import { ReelayError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

/** What a service says when it cannot start: to people, and to the process that waits for it. */
export interface StartFailure {
  lines: string[];
  exitCode: number;
}

/** A program that this one starts cannot start; what it said is repeated as it is. */
export class ChildCannotStart extends ReelayError {
  readonly code = 'child_cannot_start';
  readonly failure: StartFailure;
  constructor(name: string, failure: StartFailure) {
    super(`${name} cannot start: ${failure.lines.join('; ')}`, { name });
    this.failure = failure;
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ').trim();

/** One line; with several faults in the configuration one for each. */
export function describeStartFailure(name: string, error: Error): StartFailure {
  if (error instanceof ChildCannotStart) return error.failure;
  const saying = (...texts: string[]) => texts.map((text) => `${name}: cannot start: ${oneLine(text)}`);
  if (error instanceof ConfigError) return { lines: saying(...error.problems.map((problem) => `${problem.name}: ${problem.message}`)), exitCode: EXIT_CODES.configuration };
  return { lines: saying(error.message || error.name), exitCode: exitCodeOf(error) };
}

/** Errors of workspaces that do not know ours may name their exit code too. */
function exitCodeOf(error: Error): number {
  if ('serviceExit' in error && typeof error.serviceExit === 'number') return error.serviceExit;
  return error instanceof ReelayError ? EXIT_CODES.cutOff : EXIT_CODES.crashed;
}
