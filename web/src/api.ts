/** The HTTP API as typed calls. Every failure is an ApiError with the problem's code; branch on `code`. */
import type {
  AllProcesses, Attempt, AuditEntry, CatalogueItem, CreateJobRequest, CSRF_HEADER as CsrfHeader, EndProcess, Job, JobDetail, JobStats, JobStatus, Node, NodeProcesses, Page, Playback, Problem, ProblemCode, StreamList, StreamStatsList, User, Video,
} from '@reelay/contracts';

/** Typed as the contracts' literal, so that a rename there does not compile here; the value itself would bring zod along. */
export const CSRF_HEADER: typeof CsrfHeader = 'x-reelay-csrf';

/** `offline`: no answer at all. `aborted`: the caller gave up. `unknown`: an answer that is no problem JSON. */
export type ErrorCode = ProblemCode | 'offline' | 'aborted' | 'unknown';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: readonly { path: string; message: string }[];
  /** Seconds until it is worth trying again, when the server said so. */
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, message: string, more: { status?: number; fields?: ApiError['fields'] | undefined; retryAfterSeconds?: number | null; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.code = code;
    this.status = more.status ?? 0;
    this.fields = more.fields ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }
}

/** `unknown` from a catch → ApiError. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DOMException && error.name === 'AbortError') return new ApiError('aborted', 'Given up', { cause: error });
  return new ApiError('offline', 'Reelay does not answer. Check the connection and try again.', { cause: error });
}

interface Options {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Sent again with the same key, a create makes nothing new. */
  readonly idempotencyKey?: string;
  /** The page may go meanwhile. */
  readonly keepalive?: true;
}
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

let onSignedOut: () => void = () => {};
/** Called whenever the server says that nobody is signed in. */
export const whenSignedOut = (handler: () => void): void => {
  onSignedOut = handler;
};

const urlOf = (path: string, query: Readonly<Record<string, string>> = {}): string => {
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
};

/** @throws {ApiError} */
async function request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method !== 'GET') headers[CSRF_HEADER] = '1';
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey;
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.keepalive) init.keepalive = true;
  if (options.signal !== undefined) init.signal = options.signal;
  try {
    const response = await fetch(urlOf(path, options.query), init);
    const text = await response.text();
    if (!response.ok) throw problemOf(response.status, text, response.headers.get('retry-after'));
    return (text === '' ? null : JSON.parse(text)) as T;
  } catch (error) {
    const failure = toApiError(error);
    if (failure.code === 'unauthenticated') onSignedOut();
    throw failure;
  }
}

/** An error answer → ApiError. Also used by uploads, which do not go through fetch. */
export function problemOf(status: number, text: string, retryAfter: string | null): ApiError {
  const seconds = Number(retryAfter);
  const retryAfterSeconds = retryAfter !== null && Number.isFinite(seconds) ? seconds : null;
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    if (typeof problem.code === 'string') {
      return new ApiError(problem.code as ProblemCode, problem.detail ?? problem.title ?? problem.code, { status, fields: problem.errors, retryAfterSeconds });
    }
  } catch {
    // Not JSON: a proxy answered.
  }
  return new ApiError('unknown', status >= 500 ? 'Reelay is not available at the moment. Try again shortly.' : `The server refused this (${status}).`, { status, retryAfterSeconds });
}

/** crypto.randomUUID is missing on plain http. */
export const newKey = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

const id = encodeURIComponent;
const JOBS = '/api/media/jobs';
const VIDEOS = '/api/media/videos';
const NODES = '/api/media/nodes';
const STREAMS = '/api/media/streams';
export type Query = Readonly<Record<string, string>>;
/** How a change of a file meets those who use it; nothing said: refused with `file_in_use`. */
export interface FileUse { readonly wait?: number; readonly force?: boolean; readonly signal?: AbortSignal }
const withUse = ({ wait, force = false, signal }: FileUse): Options => ({ query: { ...(wait === undefined ? {} : { wait: String(wait) }), ...(force ? { force: '1' } : {}) }, signal });
interface Changed { readonly id: string; readonly status: JobStatus; readonly cancelRequestedAt?: string | null }

export const api = {
  login: (username: string, password: string): Promise<{ user: User }> => request('POST', '/api/auth/login', { body: { username, password } }),
  logout: (): Promise<null> => request('POST', '/api/auth/logout'),
  me: (): Promise<User> => request('GET', '/api/auth/me'),

  catalogue: (): Promise<{ data: CatalogueItem[] }> => request('GET', '/api/media/catalogue'),
  jobs: (query: Query, signal?: AbortSignal): Promise<Page<Job>> => request('GET', JOBS, { query, signal }),
  stats: (signal?: AbortSignal): Promise<JobStats> => request('GET', `${JOBS}/stats`, { signal }),
  job: (job: string, signal?: AbortSignal): Promise<JobDetail> => request('GET', `${JOBS}/${id(job)}`, { signal }),
  attempts: (job: string, signal?: AbortSignal): Promise<{ data: Attempt[] }> => request('GET', `${JOBS}/${id(job)}/attempts`, { signal }),
  audit: (job: string, signal?: AbortSignal): Promise<{ data: AuditEntry[] }> => request('GET', `${JOBS}/${id(job)}/audit`, { signal }),
  createJob: (body: CreateJobRequest, idempotencyKey: string): Promise<Job> => request('POST', JOBS, { body, idempotencyKey }),
  actOnJob: (job: string, action: 'cancel' | 'retry' | 'pause' | 'resume'): Promise<Changed> => request('POST', `${JOBS}/${id(job)}/${action}`),
  setPriority: (job: string, priority: number): Promise<Job> => request('PATCH', `${JOBS}/${id(job)}`, { body: { priority } }),
  logPath: (job: string): string => `${JOBS}/${id(job)}/log`,

  videos: (query: Query, signal?: AbortSignal): Promise<Page<Video>> => request('GET', VIDEOS, { query, signal }),
  video: (video: string, signal?: AbortSignal): Promise<Video> => request('GET', `${VIDEOS}/${id(video)}`, { signal }),
  /** `startSeconds`: where it is about to be played from, so that what must be encoded is begun there meanwhile. */
  playback: (video: string, codecs: readonly string[], { startSeconds, signal }: { startSeconds?: number; signal?: AbortSignal } = {}): Promise<Playback> =>
    request('GET', `${VIDEOS}/${id(video)}/playback`, {
      query: { ...(codecs.length === 0 ? {} : { codecs: codecs.join(',') }), ...(startSeconds === undefined ? {} : { start: startSeconds.toFixed(3) }) }, signal,
    }),
  /** Also while the page is closed: the encoders of this viewer end. */
  leaveVideo: (video: string): Promise<null> => request('DELETE', `${VIDEOS}/${id(video)}/viewing`, { keepalive: true }),
  streamStats: (video: string, signal?: AbortSignal): Promise<StreamStatsList> => request('GET', `${VIDEOS}/${id(video)}/stream-stats`, { signal }),
  patchVideo: (video: string, body: { title?: string; filename?: string; isPublic?: boolean }, use: FileUse = {}): Promise<Video> => request('PATCH', `${VIDEOS}/${id(video)}`, { body, ...withUse(use) }),
  deleteVideo: (video: string, use: FileUse = {}): Promise<null> => request('DELETE', `${VIDEOS}/${id(video)}`, withUse(use)),
  restoreVideo: (video: string): Promise<Video> => request('POST', `${VIDEOS}/${id(video)}/restore`),
  /** `version` changes with the picture, so that a browser does not keep the old one. */
  thumbnailPath: (video: string, version: string): string => urlOf(`${VIDEOS}/${id(video)}/thumbnail`, { v: version }),

  nodes: (signal?: AbortSignal): Promise<{ data: Node[] }> => request('GET', NODES, { signal }),
  processes: (signal?: AbortSignal): Promise<AllProcesses> => request('GET', '/api/media/processes', { signal }),
  processesOf: (node: string, signal?: AbortSignal): Promise<NodeProcesses> => request('GET', `${NODES}/${id(node)}/processes`, { signal }),
  streams: (signal?: AbortSignal): Promise<StreamList> => request('GET', STREAMS, { signal }),
  endStream: (stream: string, reason: string | null): Promise<{ id: string }> => request('DELETE', `${STREAMS}/${id(stream)}`, reason === null ? {} : { body: { reason } }),
  endProcess: (node: string, process: string, reason: string | null): Promise<EndProcess> =>
    request('DELETE', `${NODES}/${id(node)}/processes/${id(process)}`, reason === null ? {} : { body: { reason } }),
  actOnNode: (node: string, action: 'resume' | 'cordon'): Promise<Node> => request('POST', `${NODES}/${id(node)}/${action}`),
  /** `deadlineSeconds` null: running jobs finish. */
  drainNode: (node: string, deadlineSeconds: number | null): Promise<Node> => request('POST', `${NODES}/${id(node)}/drain`, deadlineSeconds === null ? {} : { body: { deadlineSeconds } }),
};
