import { problemSchema } from '@reelay/contracts';
import { errorCode } from '@reelay/runtime';
import type { z } from 'zod';
import { ApiRefusal, Failure, Unreachable } from '../errors.ts';

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** Null: no limit, as for a stream. Default 30 s. */
  limitMs?: number | null;
  signal?: AbortSignal;
}

/** The API's answer: `json` is exactly what it sent. */
export interface Answer {
  status: number;
  json: unknown;
}

const LIMIT_MS = 30_000;

/** Codes of a connection that was never made: nothing was sent. */
const NOT_CONNECTED: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up at the moment',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
};

/** fetch() says only "fetch failed"; the reason lies in its causes. */
const reasonOf = (thrown: unknown): { code: string; text: string } => {
  let error: unknown = thrown;
  let text = 'unknown reason';
  while (error instanceof Error) {
    // One per address that was tried.
    const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
    const code = errorCode(error);
    if (code !== undefined) return { code, text: NOT_CONNECTED[code] ?? (error.message || code) };
    if (error.name === 'TimeoutError') return { code: 'timeout', text: 'no answer in time' };
    text = error.message;
    error = inner;
  }
  return { code: 'unknown', text };
};

/** One gateway, as one user. */
export class ApiClient {
  readonly #token: string | null;

  /** `url` without a slash at its end. */
  constructor(readonly url: string, token: string | null) {
    this.#token = token;
  }

  /** @throws ApiRefusal, Unreachable */
  async call(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.open(method, path, options);
    const text = await this.#text(response);
    return { status: response.status, json: text === '' ? null : this.#parse(text) };
  }

  /** @throws ApiRefusal, Unreachable */
  async get(path: string): Promise<unknown> {
    return (await this.call('GET', path)).json;
  }

  /** The answer with its body still to be read, for streams. @throws ApiRefusal, Unreachable */
  async open(method: string, path: string, { body, headers = {}, limitMs = LIMIT_MS, signal }: RequestOptions = {}): Promise<Response> {
    const isStream = body instanceof ReadableStream;
    const signals = [...(limitMs === null ? [] : [AbortSignal.timeout(limitMs)]), ...(signal === undefined ? [] : [signal])];
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        redirect: 'error',
        headers: {
          accept: 'application/json',
          ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(body === undefined || isStream ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : isStream ? { body, duplex: 'half' } : { body: JSON.stringify(body) }),
        ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
      });
    } catch (thrown) {
      const { code, text } = reasonOf(thrown);
      throw new Unreachable(this.url, text, code in NOT_CONNECTED, thrown);
    }
    if (!response.ok) throw this.#refusal(response.status, await this.#text(response));
    return response;
  }

  async #text(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (thrown) {
      throw new Unreachable(this.url, `the connection broke (${reasonOf(thrown).text})`, false, thrown);
    }
  }

  #refusal(status: number, text: string): ApiRefusal {
    const problem = problemSchema.safeParse(safeJson(text));
    if (problem.success) return new ApiRefusal(status, problem.data);
    return new ApiRefusal(status, { code: `http_${status}`, detail: `${this.url} answered ${status}, and not as Reelay does; is it the right address?` });
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Failure(`${this.url} did not answer with JSON; is it the right address?`, {}, error);
    }
  }
}

const safeJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** The answer as the contract has it. @throws Failure */
export const understood = <T>(schema: z.ZodType<T>, json: unknown): T => {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Failure(`The gateway's answer is not understood (${issue?.path.join('.') || 'answer'}: ${issue?.message ?? 'unknown'}); is it of another version? With --json it is shown as it is.`);
};
