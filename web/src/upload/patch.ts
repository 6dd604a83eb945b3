/** One PATCH of a resumable upload. XMLHttpRequest, because fetch does not tell how much was sent. */
import { CSRF_HEADER } from '../api.ts';

export const TUS = { 'tus-resumable': '1.0.0' };

export interface Patched {
  /** 0: no answer. */
  readonly status: number;
  readonly offset: string | null;
  readonly videoId: string | null;
  readonly text: string;
  readonly retryAfter: string | null;
}

/** Never rejects. */
export function patch(location: string, offset: number, piece: Blob, signal: AbortSignal, onProgress: (sentBytes: number) => void): Promise<Patched> {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    const abort = (): void => xhr.abort();
    const end = (): void => {
      signal.removeEventListener('abort', abort);
      resolve({
        status: xhr.status, offset: xhr.getResponseHeader('upload-offset'), videoId: xhr.getResponseHeader('x-reelay-video-id'),
        text: xhr.responseText, retryAfter: xhr.getResponseHeader('retry-after'),
      });
    };
    xhr.open('PATCH', location);
    for (const [name, value] of Object.entries({ ...TUS, [CSRF_HEADER]: '1', 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' })) {
      xhr.setRequestHeader(name, value);
    }
    xhr.upload.addEventListener('progress', (event) => onProgress(event.loaded));
    xhr.addEventListener('loadend', end);
    signal.addEventListener('abort', abort, { once: true });
    xhr.send(piece);
  });
}
