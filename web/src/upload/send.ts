/** One file to POST /api/media/videos/upload. XMLHttpRequest, because fetch does not tell how much was sent. */
import type { Video } from '@reelay/contracts';
import { ApiError, CSRF_HEADER, api, problemOf } from '../api.ts';

export type Sent = { readonly ok: true; readonly video: Video } | { readonly ok: false; readonly error: ApiError };

/** Over how many seconds the speed is averaged. */
const SPEED_WINDOW_SECONDS = 5;

/** Never rejects: a failure is a result. `onProgress` gets bytes, and bytes per second once that is known. */
export function send(file: File, key: string, signal: AbortSignal, onProgress: (sentBytes: number, bytesPerSecond: number | null) => void): Promise<Sent> {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    const fail = (error: ApiError): void => resolve({ ok: false, error });
    const speed = speedometer(() => performance.now());
    xhr.open('POST', api.uploadPath(file.name));
    xhr.setRequestHeader(CSRF_HEADER, '1');
    xhr.setRequestHeader('idempotency-key', key);
    xhr.setRequestHeader('content-type', 'application/octet-stream');
    xhr.upload.addEventListener('progress', (event) => onProgress(event.loaded, speed(event.loaded)));
    xhr.addEventListener('error', () => fail(new ApiError('offline', 'The connection broke. Try again.')));
    xhr.addEventListener('abort', () => fail(new ApiError('aborted', 'Given up')));
    xhr.addEventListener('load', () => {
      if (xhr.status !== 201) {
        fail(problemOf(xhr.status, xhr.responseText, xhr.getResponseHeader('retry-after')));
        return;
      }
      try {
        resolve({ ok: true, video: JSON.parse(xhr.responseText) as Video });
      } catch (cause) {
        fail(new ApiError('unknown', 'The server gave an answer that cannot be read.', { cause }));
      }
    });
    signal.addEventListener('abort', () => xhr.abort(), { once: true });
    xhr.send(file);
  });
}

/** Bytes per second over the last few seconds; null until there is something to measure. `clockMs` is monotonic. */
export function speedometer(clockMs: () => number): (bytes: number) => number | null {
  const samples: { readonly atMs: number; readonly bytes: number }[] = [];
  return (bytes) => {
    const atMs = clockMs();
    samples.push({ atMs, bytes });
    while (samples.length > 2 && atMs - (samples[0]?.atMs ?? atMs) > SPEED_WINDOW_SECONDS * 1000) samples.shift();
    const first = samples[0];
    if (first === undefined || atMs - first.atMs < 500) return null;
    return ((bytes - first.bytes) * 1000) / (atMs - first.atMs);
  };
}
