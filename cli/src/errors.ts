import type { Problem } from '@reelay/contracts';
import { ReelayError } from '@reelay/runtime';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** A failure that is told in one line; `exitCode` is how the command ends. */
export abstract class CliError extends ReelayError {
  abstract readonly exitCode: ExitCode;
}

/** What was typed cannot be right. */
export class UsageError extends CliError {
  readonly code = 'usage';
  readonly exitCode = EXIT.usage;
}

/** Something here went wrong. */
export class Failure extends CliError {
  readonly code = 'failure';
  readonly exitCode = EXIT.failure;
}

export class NotRunning extends CliError {
  readonly code = 'not_running';
  readonly exitCode = EXIT.notRunning;
}

export class NotFound extends CliError {
  readonly code = 'not_found';
  readonly exitCode = EXIT.notFound;
}

export class SignInNeeded extends CliError {
  readonly code = 'sign_in_needed';
  readonly exitCode = EXIT.notPermitted;
}

/** The gateway did not answer. `refused`: nothing listens there, so nothing was sent. */
export class Unreachable extends CliError {
  readonly code = 'unreachable';
  readonly exitCode = EXIT.unreachable;
  readonly refused: boolean;
  constructor(url: string, why: string, refused: boolean, cause?: unknown) {
    super(`${url} cannot be reached: ${why}`, { url }, cause);
    this.refused = refused;
  }
}

export class TimedOut extends CliError {
  readonly code = 'timed_out';
  readonly exitCode = EXIT.timedOut;
}

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.notPermitted;
  if (status === 404 || status === 410) return EXIT.notFound;
  if (status === 409) return EXIT.conflict;
  if (status === 429) return EXIT.failure;
  if (status >= 502 && status <= 504) return EXIT.unreachable;
  return status >= 400 && status < 500 ? EXIT.usage : EXIT.failure;
}

/** The API refused; the text is the API's own. */
export class ApiRefusal extends CliError {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly status: number;
  constructor(status: number, problem: Pick<Problem, 'code' | 'detail'> & Partial<Problem>) {
    const more = (problem.errors ?? []).filter(({ path, message }) => !problem.detail.includes(message) || !problem.detail.includes(path));
    super([problem.detail, ...more.map(({ path, message }) => `${path}: ${message}`)].join('; '), { status, requestId: problem.requestId });
    this.code = problem.code;
    this.status = status;
    this.exitCode = exitCodeOf(status);
  }
}
