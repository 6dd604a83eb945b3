/** A script's view of Reelay: signs in, calls the JSON API, and waits for live events instead of polling. */
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Job, JobDetail, LiveEvent, Page, Video } from '@reelay/contracts';

export interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}

export class Client {
  #token = '';
  constructor(readonly baseUrl: string) {}

  get token(): string {
    return this.#token;
  }

  async login(username: string, password: string): Promise<void> {
    const answer = await this.call<{ token: string }>('POST', '/api/auth/login', { username, password });
    if (answer.status !== 200) throw new Error(`login answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    this.#token = answer.body.token;
  }

  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: {
        ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, body: (isJson ? JSON.parse(text) : text) as T, headers: response.headers };
  }

  /** Calls and insists on a 2xx answer. */
  async ok<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async upload(file: string, filename = basename(file)): Promise<Answer<Video>> {
    const response = await fetch(`${this.baseUrl}/api/media/videos/upload?filename=${encodeURIComponent(filename)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/octet-stream', 'content-length': String(statSync(file).size) },
      body: Readable.toWeb(createReadStream(file)) as ReadableStream,
      duplex: 'half',
    } as RequestInit);
    return { status: response.status, body: (await response.json()) as Video, headers: response.headers };
  }

  job(id: string): Promise<JobDetail> {
    return this.ok('GET', `/api/media/jobs/${id}`);
  }

  video(id: string): Promise<Video> {
    return this.ok('GET', `/api/media/videos/${id}`);
  }

  jobs(query = ''): Promise<Page<Job>> {
    return this.ok('GET', `/api/media/jobs${query}`);
  }

  /**
   * Resolves with the first value of `look()` that is not undefined; looks again at each live event.
   * @throws Error naming `what` after `timeoutMs`
   */
  async until<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs);
    try {
      const response = await fetch(`${this.baseUrl}/api/media/events`, { headers: { authorization: `Bearer ${this.#token}` }, signal: controller.signal });
      if (response.body === null || response.status !== 200) throw new Error(`events answered ${response.status}`);
      for await (const _event of readEvents(response.body)) {
        const value = await look();
        if (value !== undefined) return value;
      }
      throw new Error(`the event stream ended while waiting for ${what}`);
    } finally {
      clearTimeout(timer);
      controller.abort();
    }
  }

  /** Resolves when `test` holds, looking again every 50 ms: for what no event tells. @throws Error naming `what` */
  async untilNow(what: string, test: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!(await test())) {
      if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  untilJob(id: string, statuses: readonly Job['status'][], timeoutMs = 60_000): Promise<JobDetail> {
    return this.until(`job ${id} to be ${statuses.join(' or ')}`, async () => {
      const job = await this.job(id);
      return statuses.includes(job.status) ? job : undefined;
    }, timeoutMs);
  }

  untilVideo(id: string, ready: (video: Video) => boolean, timeoutMs = 60_000): Promise<Video> {
    return this.until(`video ${id}`, async () => {
      const video = await this.video(id);
      return ready(video) ? video : undefined;
    }, timeoutMs);
  }
}

/** Parses server-sent events (HTML standard, "Server-sent events"); comments count as events without data. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; data: string; id: string }> {
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of body) {
    buffer += decoder.decode(chunk, { stream: true });
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const fields = buffer.slice(0, end).split('\n');
      buffer = buffer.slice(end + 2);
      const read = (name: string): string => fields.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart()).join('\n');
      yield { event: read('event'), data: read('data'), id: read('id') };
    }
  }
}

export type { LiveEvent };
