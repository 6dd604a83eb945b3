import { AsyncLocalStorage } from 'node:async_hooks';
import type { User } from '@reelay/contracts';
import type { Ctx } from '@reelay/runtime';
import type { Checksum } from './checksum.ts';

/** On whose behalf the tus server, its store and its locks work right now. */
export interface UploadCaller {
  readonly user: User;
  readonly ctx: Ctx;
  /** What the client says the bytes of this request sum up to. */
  readonly checksum: Checksum | null;
}

/** The tus library hands neither its store nor its hooks what came with the request. */
export const uploadCaller = new AsyncLocalStorage<UploadCaller>();
