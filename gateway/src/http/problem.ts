import { PROBLEMS, type Problem, type ProblemCode } from '@reelay/contracts';
import { Cause, errorCode, ReelayError } from '@reelay/runtime';
import { HTTPException } from 'hono/http-exception';
import type { ZodError } from 'zod';

export interface ProblemDetails {
  errors?: { path: string; message: string }[] | undefined;
  headers?: Record<string, string> | undefined;
  cause?: unknown;
}

/** A request that is answered with a problem (RFC 9457). */
export class HttpProblem extends ReelayError {
  readonly code: ProblemCode;
  readonly errors: { path: string; message: string }[] | undefined;
  readonly headers: Record<string, string>;
  constructor(code: ProblemCode, detail: string, { errors, headers = {}, cause }: ProblemDetails = {}) {
    super(detail, {}, cause);
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }
}

/** The JSON body of a problem. */
export const problemBody = (problem: HttpProblem, requestId: string): Problem => {
  const [status, title] = PROBLEMS[problem.code];
  return {
    type: `/docs#problem-${problem.code}`, title, status, detail: problem.message, code: problem.code, error: problem.message,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    requestId,
  };
};

export const problemResponse = (problem: HttpProblem, requestId: string, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify(problemBody(problem, requestId)), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers, ...problem.headers },
  });

/** What a schema refused, with a path per finding. `prefix` is put before each path (`params`). */
export const refusedBySchema = (error: ZodError, prefix: string[] = []): HttpProblem => {
  const errors = error.issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map(String)];
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not a known parameter', unknown: true }))
      : [{ path: path.join('.'), message: issue.message, unknown: false }];
  });
  const hasUnknown = errors.some((finding) => finding.unknown);
  const detail = errors.slice(0, 3).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return new HttpProblem(hasUnknown ? 'unknown_parameter' : 'invalid_parameter', detail || 'The request is not valid', {
    errors: errors.slice(0, 50).map(({ path, message }) => ({ path, message })),
  });
};

const UNAVAILABLE = new Set([
  'bus_closed', 'bus_disconnected', 'request_timeout', 'no_responders', 'CONNECT_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_DESTROYED',
  'CONNECTION_ENDED', 'ECONNREFUSED', 'ECONNRESET', '57P01', '57P02', '57P03', '53300',
]);

/** Postgres: character_not_in_repertoire, untranslatable_character. */
const UNSTORABLE = new Set(['22021', '22P05']);

/** Anything thrown by a handler as a problem; what is not known becomes `internal` without a word of its text. */
export const toProblem = (thrown: unknown): HttpProblem => {
  if (thrown instanceof HttpProblem) return thrown;
  if (thrown instanceof HTTPException) return fromHono(thrown);
  const code = errorCode(thrown) ?? '';
  // Ended by its context: seen by whoever still listens, which a client that left does not.
  if (thrown instanceof Cause) return new HttpProblem('unavailable', `The request was ended: ${thrown.message}`, { cause: thrown, headers: { 'retry-after': '1' } });
  if (code === 'path_outside_library') return new HttpProblem('invalid_parameter', thrown instanceof Error ? thrown.message : code, { cause: thrown });
  if (code === 'file_not_found') return new HttpProblem('file_missing', 'The file is not in the library', { cause: thrown });
  if (UNSTORABLE.has(code)) return new HttpProblem('invalid_parameter', 'The request holds text that cannot be stored: a NUL character, or half of a character', { cause: thrown });
  if (code === 'ENOSPC' || code === 'EDQUOT') return new HttpProblem('storage_full', 'There is no space left in the library', { cause: thrown });
  if (UNAVAILABLE.has(code)) {
    return new HttpProblem('unavailable', 'A service that is needed for this does not answer at the moment', { cause: thrown, headers: { 'retry-after': '2' } });
  }
  return new HttpProblem('internal', 'Something went wrong here; the request id finds it in the log', { cause: thrown });
};

const fromHono = (thrown: HTTPException): HttpProblem => {
  if (thrown.status === 400) return new HttpProblem('malformed_json', 'The body is not valid JSON', { cause: thrown });
  if (thrown.status === 413) return new HttpProblem('body_too_large', 'The body is too large', { cause: thrown });
  if (thrown.status === 415) return new HttpProblem('unsupported_media_type', 'Send the body as application/json and say so in Content-Type', { cause: thrown });
  return new HttpProblem(thrown.status < 500 ? 'invalid_request' : 'internal', thrown.message || 'The request is not valid', { cause: thrown });
};
