import type { ExitCode } from './exit-codes.ts';

/**
 * Base of every error that Reelay throws on purpose. Callers branch on `code`, never on the text;
 * `fields` hold the facts for logs and answers and must never contain a secret.
 */
export abstract class ReelayError extends Error {
  /** Stable snake_case identifier of the failure. */
  abstract readonly code: string;
  /** How a service ends that this error keeps from starting; 1 when left out. */
  readonly serviceExit?: ExitCode;
  readonly fields: Record<string, unknown>;

  constructor(message: string, fields: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.fields = fields;
  }
}

/** Coerces whatever was thrown into an Error; used once, at the catch. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown === 'string') return new Error(thrown);
  return new Error(`thrown value of type ${thrown === null ? 'null' : typeof thrown}`, { cause: thrown });
}

/** The `code` of an error when it has one: ours, or the errno name of a system error. */
export function errorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
