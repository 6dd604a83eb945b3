import { ReelayError } from '../errors.ts';

/**
 * How a child process ended. `cause` says who ended it, when it was us.
 * `stalled` and `timeLimit` are the supervisor's own watchdogs.
 */
export type Exit = (
  | { kind: 'code'; code: number }
  | { kind: 'signal'; signal: string }
  | { kind: 'stalled' }
  | { kind: 'timeLimit' }
  | { kind: 'spawnError'; error: Error }
) & { cause?: Error };

/** No child may be started: the work was cancelled or the process is stopping. */
export class SpawnRefused extends ReelayError {
  readonly code = 'spawn_refused';
  constructor(name: string, cause: Error) {
    super(`${name} was not started: ${cause.message}`, { name }, cause);
  }
}

/** The program could not be started. */
export class SpawnFailed extends ReelayError {
  readonly code = 'spawn_failed';
  constructor(name: string, argv0: string, cause: Error) {
    super(`${name} could not be started: ${cause.message}`, { name, argv0 }, cause);
  }
}

/** A tool wrote more than it was allowed to. */
export class OutputTooLarge extends ReelayError {
  readonly code = 'output_too_large';
  constructor(name: string, maxBytes: number) {
    super(`${name} wrote more than ${maxBytes} bytes`, { name, maxBytes });
  }
}
