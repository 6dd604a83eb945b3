/**
 * Changing a file that others may be using: when it is refused, people are asked whether to wait, or to end the streams.
 *
 *   changing ──done──▶ (over)
 *      └──file_in_use──▶ asked ──leave it──▶ (over, nothing changed)
 *            ▲             ├──wait──▶ waiting ──done──▶ (over)
 *            │             └──end the streams──▶ waiting
 *            └──still in use, or stopped waiting────┘
 */
import { signal } from '@preact/signals';
import type { ApiError, FileUse } from '../api.ts';
import { toApiError } from '../api.ts';

/** How long “Wait” waits. */
export const WAIT_SECONDS = 30;

export interface FileInUse {
  /** Who uses the file, in one sentence. */
  readonly text: string;
  /** Nothing but streams: they can be ended. */
  readonly onlyStreams: boolean;
  readonly waiting: 'no' | 'for-readers' | 'for-streams-to-end';
  readonly wait: (endStreams: boolean) => void;
  readonly stopWaiting: () => void;
  readonly leave: () => void;
}

/** What is asked at the moment. */
export const fileInUse = signal<FileInUse | null>(null);

const onlyStreams = (error: ApiError): boolean => error.fields.length > 0 && error.fields.every(({ path }) => path === 'gatewayId');

/** Does `work`, with what people decide while the file is in use. Null: they left it. @throws {ApiError} any other failure */
export async function unlessInUse<T>(work: (use: FileUse) => Promise<T>): Promise<{ readonly value: T } | null> {
  let use: FileUse = {};
  let refusal: ApiError | null = null;
  try {
    for (;;) {
      try {
        return { value: await work(use) };
      } catch (failure) {
        const error = toApiError(failure);
        if (error.code === 'file_in_use') refusal = error;
        else if (error.code !== 'aborted' || refusal === null) throw error;
      }
      const next: FileUse | null = await decide(refusal);
      if (next === null) return null;
      use = next;
    }
  } finally {
    fileInUse.value = null;
  }
}

function decide(refusal: ApiError): Promise<FileUse | null> {
  fileInUse.value?.leave();
  return new Promise((resolve) => {
    const abort = new AbortController();
    const asked: FileInUse = {
      text: refusal.message, onlyStreams: onlyStreams(refusal), waiting: 'no',
      wait: (endStreams) => {
        fileInUse.value = { ...asked, waiting: endStreams ? 'for-streams-to-end' : 'for-readers' };
        resolve({ wait: WAIT_SECONDS, force: endStreams, signal: abort.signal });
      },
      stopWaiting: () => abort.abort(),
      leave: () => {
        abort.abort();
        resolve(null);
      },
    };
    fileInUse.value = asked;
  });
}
