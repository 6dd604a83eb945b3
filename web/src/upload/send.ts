/**
 * One file as a resumable upload (tus 1.0), in pieces of about two seconds.
 *
 *   begun before? ─▶ ask how far ─▶ piece ─▶ piece ─▶ … ─▶ video
 *        └── no ──▶ create ──────────▲ │
 *                      ▲── unknown ────┤
 *              pause, ask how far ◀────┘ no answer, gateway away, upload held elsewhere
 */
import type { Video } from '@reelay/contracts';
import { ApiError, CSRF_HEADER, api, newKey, problemOf, toApiError } from '../api.ts';
import { forgetUpload, rememberedUpload, rememberUpload } from './memory.ts';
import { patch, TUS } from './patch.ts';
import { FIRST_CHUNK, fingerprint, metadataOf, nextChunk, pauseMs, stepAfter } from './plan.ts';
import { speedometer } from './speed.ts';

export type Sent = { readonly ok: true; readonly video: Video } | { readonly ok: false; readonly error: ApiError };

export interface Progress {
  readonly sentBytes: number;
  readonly bytesPerSecond: number | null;
  /** Not connected at the moment; it goes on by itself. */
  readonly interrupted: boolean;
}

const PATH = '/api/media/uploads';
/** Without a byte of progress for so long, the user is told. What arrived is kept. */
const GIVE_UP_MS = 300_000;
const GAVE_UP = new ApiError('offline', 'The connection broke and did not come back within 5 minutes. What arrived is kept for a day: try again, and it goes on from there.');

/** Files on their way: the same file twice at once is two uploads, and only the first is remembered. */
const underWay = new Set<string>();

/** Never rejects: a failure is a result. */
export async function send(file: File, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Sent> {
  const known = fingerprint(file);
  const key = underWay.has(known) ? `${known}|${newKey()}` : known;
  underWay.add(key);
  try {
    return { ok: true, video: await new Sending(file, key, signal, onProgress).run() };
  } catch (error) {
    if (signal.aborted) giveUp(key);
    return { ok: false, error: signal.aborted ? new ApiError('aborted', 'Given up') : toApiError(error) };
  } finally {
    underWay.delete(key);
  }
}

class Sending {
  readonly #file: File;
  readonly #key: string;
  readonly #signal: AbortSignal;
  readonly #onProgress: (progress: Progress) => void;
  readonly #speed = speedometer(() => performance.now());
  #chunk = FIRST_CHUNK;
  #failures = 0;
  /** Furthest that the server has had. */
  #furthest = -1;
  #movedAtMs = performance.now();

  constructor(file: File, key: string, signal: AbortSignal, onProgress: (progress: Progress) => void) {
    this.#file = file;
    this.#key = key;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  /** @throws ApiError */
  async run(): Promise<Video> {
    let location = rememberedUpload(this.#key);
    let offset = location === null ? 0 : await this.#ask(location);
    for (;;) {
      this.#signal.throwIfAborted();
      if (location === null || offset === null) {
        location = await this.#create();
        offset = 0;
      }
      this.#arrived(offset);
      const answer = await this.#sendPiece(location, offset);
      if (answer.videoId !== null) return this.#done(answer.videoId);
      offset = answer.offset ?? (await this.#ask(location));
      if (offset === null) forgetUpload(this.#key);
    }
  }

  async #done(videoId: string): Promise<Video> {
    forgetUpload(this.#key);
    for (;;) {
      try {
        return await api.video(videoId, this.#signal);
      } catch (error) {
        await this.#pauseOrFail(toApiError(error));
      }
    }
  }

  /** Begins an upload; its address. */
  async #create(): Promise<string> {
    for (;;) {
      const headers = { ...TUS, [CSRF_HEADER]: '1', 'upload-length': String(this.#file.size), 'upload-metadata': metadataOf(this.#file.name) };
      const response = await this.#fetch(PATH, { method: 'POST', headers });
      const location = response?.headers.get('location') ?? null;
      if (response?.ok && location !== null) {
        rememberUpload(this.#key, location);
        return location;
      }
      await this.#pauseOrFail(await errorOf(response));
    }
  }

  /** How many bytes the server has; null when it does not know the upload, or another file's was meant. */
  async #ask(location: string): Promise<number | null> {
    for (;;) {
      const response = await this.#fetch(location, { method: 'HEAD', headers: TUS });
      if (response?.ok) return this.#offsetIn(response.headers.get('upload-offset'), response.headers.get('upload-length'));
      if (response !== null && stepAfter(response.status) === 'anew') return null;
      await this.#pauseOrFail(await errorOf(response));
    }
  }

  #offsetIn(offset: string | null, length: string | null): number | null {
    const bytes = Number(offset);
    return offset === null || Number(length) !== this.#file.size || !Number.isSafeInteger(bytes) ? null : bytes;
  }

  /** Sends one piece. `offset` is null when the server must be asked how far it came. */
  async #sendPiece(location: string, offset: number): Promise<{ offset: number | null; videoId: string | null }> {
    const startedMs = performance.now();
    const piece = this.#file.slice(offset, offset + this.#chunk);
    const answer = await patch(location, offset, piece, this.#signal, (sent) => this.#report(offset + sent, false));
    if (answer.status === 204) {
      if (piece.size === this.#chunk) this.#chunk = nextChunk(this.#chunk, performance.now() - startedMs);
      this.#failures = 0;
      return { offset: this.#offsetIn(answer.offset, String(this.#file.size)), videoId: answer.videoId };
    }
    this.#signal.throwIfAborted();
    const error = answer.status === 0 ? new ApiError('offline', 'The connection broke.') : problemOf(answer.status, answer.text, answer.retryAfter);
    if (stepAfter(answer.status) !== 'anew') await this.#pauseOrFail(error);
    return { offset: null, videoId: null };
  }

  /** @throws the error, when waiting does not help, or has not helped for too long */
  async #pauseOrFail(error: ApiError): Promise<void> {
    this.#signal.throwIfAborted();
    if (stepAfter(error.status) === 'fail') {
      if (error.code !== 'unauthenticated') forgetUpload(this.#key);
      throw error;
    }
    if (performance.now() - this.#movedAtMs > GIVE_UP_MS) throw error.status === 0 ? GAVE_UP : error;
    this.#chunk = Math.min(this.#chunk, FIRST_CHUNK);
    this.#report(Math.max(0, this.#furthest), true);
    const ms = pauseMs(this.#failures, Math.random());
    this.#failures += 1;
    await sleep(Math.max(ms, Math.min(15, error.retryAfterSeconds ?? 0) * 1000), this.#signal);
  }

  #arrived(offset: number): void {
    if (offset > this.#furthest) {
      this.#furthest = offset;
      this.#movedAtMs = performance.now();
    }
    this.#report(offset, false);
  }

  #report(sentBytes: number, interrupted: boolean): void {
    this.#onProgress({ sentBytes, bytesPerSecond: this.#speed(sentBytes), interrupted });
  }

  /** Null when nothing answered. @throws DOMException when aborted */
  async #fetch(path: string, init: RequestInit): Promise<Response | null> {
    try {
      return await fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store', signal: this.#signal });
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof TypeError) return null;
      throw error;
    }
  }
}

/** Tells the server to forget what arrived. Nobody waits for it: it is forgotten in time anyway. */
function giveUp(key: string): void {
  const location = rememberedUpload(key);
  if (location === null) return;
  forgetUpload(key);
  fetch(location, { method: 'DELETE', headers: { ...TUS, [CSRF_HEADER]: '1' }, credentials: 'same-origin', keepalive: true }).catch(() => {
    // It is forgotten in time.
  });
}

const errorOf = async (response: Response | null): Promise<ApiError> =>
  response === null ? new ApiError('offline', 'The connection broke.') : problemOf(response.status, await response.text().catch(() => ''), response.headers.get('retry-after'));

const sleep = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve, reject) => {
  const aborted = (): void => {
    clearTimeout(timer);
    reject(new DOMException('Given up', 'AbortError'));
  };
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', aborted);
    resolve();
  }, ms);
  signal.addEventListener('abort', aborted, { once: true });
});
