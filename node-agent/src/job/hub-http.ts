import { createReadStream } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { JobFailed } from '@reelay/job-types/agent';
import { errorCode, ReelayError } from '@reelay/runtime';

/** The gateway answered with an error. `problemCode` is the code of its problem document, when it sent one. */
export class HubRefused extends ReelayError {
  readonly code = 'hub_refused';
  readonly status: number;
  readonly problemCode: string | null;
  constructor(status: number, problemCode: string | null, detail: string) {
    super(detail, { status, problemCode });
    this.status = status;
    this.problemCode = problemCode;
  }
}

export interface HubRequest {
  method: 'GET' | 'PUT' | 'POST';
  url: string;
  headers?: Record<string, string>;
  /** Sent whole, or read from a file. */
  body?: Buffer | { path: string; sizeBytes: number; onBytes: (bytes: number) => void };
  signal: AbortSignal;
}

/** No byte either way for so long: the connection is given up. */
const IDLE_MS = 20_000;
const MAX_BODY_BYTES = 1024 * 1024;

/** Sends one request; resolves with the answer once its head is there, whatever its status. */
export async function send({ method, url, headers = {}, body, signal }: HubRequest): Promise<IncomingMessage> {
  const sizeBytes = body === undefined ? 0 : Buffer.isBuffer(body) ? body.length : body.sizeBytes;
  const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, {
    method, signal, timeout: IDLE_MS, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(sizeBytes) }) },
  });
  request.on('timeout', () => request.destroy(new Error(`no data for ${IDLE_MS} ms`)));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  if (body === undefined || Buffer.isBuffer(body)) {
    request.end(body);
    return answered;
  }
  let sent = 0;
  const file = createReadStream(body.path, { highWaterMark: 256 * 1024 });
  file.on('data', (chunk) => {
    sent += chunk.length;
    body.onBytes(sent);
  });
  // A refusal may come before the whole file is sent; then the answer counts, not the broken pipe.
  const piped = pipeline(file, request);
  piped.catch(() => {});
  return answered;
}

/** The whole body as text, at most 1 MB. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    sizeBytes += bytes.length;
    if (sizeBytes > MAX_BODY_BYTES) throw new HubRefused(response.statusCode ?? 0, null, 'the answer is too large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads the problem document of an error answer. */
export async function refusalOf(response: IncomingMessage): Promise<HubRefused> {
  const text = await readText(response).catch(() => '');
  let problem: { code?: unknown; detail?: unknown } = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) problem = parsed;
  } catch {
    // Something in between answered; the status says enough.
  }
  const status = response.statusCode ?? 0;
  const code = typeof problem.code === 'string' ? problem.code : null;
  return new HubRefused(status, code, typeof problem.detail === 'string' ? problem.detail : `the gateway answered ${status}`);
}

/** True when the same request may succeed later: the gateway is away, busy or restarting. */
export function isTransient(error: unknown): boolean {
  if (error instanceof HubRefused) return error.status >= 500 || error.status === 429 || error.status === 408;
  return errorCode(error) !== 'ENOSPC' && !(error instanceof ReelayError) && !(error instanceof JobFailed);
}
