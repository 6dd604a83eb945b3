/** The dialog that is open. Their code is loaded when the first one opens. */
import { signal } from '@preact/signals';
import type { Job, JobType, Node, Process, Stream, Video } from '@reelay/contracts';

export type DialogRequest =
  /** `type` and `video` set: an action on that video; else the form for any job. */
  | { readonly kind: 'create-job'; readonly type: JobType | null; readonly video: Video | null }
  | { readonly kind: 'rename'; readonly video: Video }
  | { readonly kind: 'priority'; readonly job: Job }
  | { readonly kind: 'drain'; readonly node: Node }
  | { readonly kind: 'end-process'; readonly process: Process; readonly onEnded: () => void }
  | { readonly kind: 'end-stream'; readonly stream: Stream; readonly onEnded: () => void };

export const openDialog = signal<DialogRequest | null>(null);
export const closeDialog = (): void => {
  openDialog.value = null;
};
