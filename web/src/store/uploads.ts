/**
 * Uploads of this tab. A few at a time, so that none starves.
 *
 *   waiting ──▶ sending ──▶ checking (all bytes sent) ──▶ done
 *      │           │ └─ connection lost ─▶ sending, interrupted: goes on by itself
 *      │           └─── error ─▶ failed ── retry ─▶ waiting: goes on where it was
 *      └── cancel (waiting, sending) ─▶ removed, and forgotten by the server
 */
import { computed, effect, signal } from '@preact/signals';
import type { Video } from '@reelay/contracts';
import type { ApiError } from '../api.ts';
import { send } from '../upload/send.ts';
import { videos } from './live-store.ts';

type UploadState =
  | { readonly kind: 'waiting' | 'checking' }
  | { readonly kind: 'sending'; readonly sentBytes: number; readonly bytesPerSecond: number | null; readonly interrupted: boolean }
  | { readonly kind: 'done'; readonly video: Video }
  | { readonly kind: 'failed'; readonly error: ApiError };

export interface Upload {
  readonly id: number;
  readonly file: File;
  readonly state: UploadState;
}

const AT_ONCE = 2;
export const uploads = signal<readonly Upload[]>([]);
const underWay = computed(() => uploads.value.some(({ state }) => state.kind === 'waiting' || state.kind === 'sending' || state.kind === 'checking'));
/** Leaving the page would end them: the browser asks first. */
const askBeforeLeaving = (event: BeforeUnloadEvent): void => event.preventDefault();
effect(() => {
  if (underWay.value) addEventListener('beforeunload', askBeforeLeaving);
  else removeEventListener('beforeunload', askBeforeLeaving);
});
const aborts = new Map<number, AbortController>();
let nextId = 1;

export function addUploads(files: readonly File[]): void {
  const added = files.map((file): Upload => {
    nextId += 1;
    return { id: nextId, file, state: { kind: 'waiting' } };
  });
  uploads.value = [...uploads.value, ...added];
  startNext();
}

export function retryUpload(id: number): void {
  setState(id, { kind: 'waiting' });
  startNext();
}

/** Stops one that is on its way, and takes it off the list. */
export function removeUpload(id: number): void {
  aborts.get(id)?.abort();
  uploads.value = uploads.value.filter((upload) => upload.id !== id);
}

export function clearFinished(): void {
  uploads.value = uploads.value.filter(({ state }) => state.kind !== 'done');
}

function startNext(): void {
  const free = AT_ONCE - aborts.size;
  for (const upload of uploads.value.filter(({ state }) => state.kind === 'waiting').slice(0, Math.max(0, free))) void run(upload);
}

async function run({ id, file }: Upload): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  setState(id, { kind: 'sending', sentBytes: 0, bytesPerSecond: null, interrupted: false });
  const result = await send(file, abort.signal, (progress) => {
    setState(id, progress.sentBytes >= file.size && !progress.interrupted ? { kind: 'checking' } : { kind: 'sending', ...progress });
  });
  aborts.delete(id);
  if (result.ok) {
    videos.put(result.video);
    setState(id, { kind: 'done', video: result.video });
  } else if (result.error.code !== 'aborted') {
    setState(id, { kind: 'failed', error: result.error });
  }
  startNext();
}

function setState(id: number, state: UploadState): void {
  uploads.value = uploads.value.map((upload) => (upload.id === id ? { id, file: upload.file, state } : upload));
}
