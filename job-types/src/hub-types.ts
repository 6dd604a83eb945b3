/** The hub's half of a job type: what becomes of parameters before a run, and of results after it. */
import type { JobError, JobType } from '@reelay/contracts';
import type { Queryable, Tx } from '@reelay/store';

/** The job as the hub's functions see it. `params` have passed the catalogue's schema. */
export interface HubJob {
  readonly id: string;
  readonly type: JobType;
  readonly epoch: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly createdBy: string | null;
}

/** What the hub's functions may touch besides the database. */
export interface HubEnvironment {
  /** Absolute path of the library root. */
  readonly libraryRoot: string;
  readonly now: () => Date;
  readonly newId: () => string;
}

export interface Prepared {
  /** Library paths the agent reads; the hub adds size, mtime, inode and a signed URL. */
  inputs: {
    name: string;
    path: string;
    /** The video that has the path: checked again when the file is locked for reading. */
    videoId?: string | undefined;
  }[];
  outputs: { name: string; path: string; onConflict: 'rename' | 'fail' | 'replace' }[];
  /** Seconds of media to work through: sets the time limit. null = unknown. */
  mediaSeconds: number | null;
  /** Handed to `execute` as it is. */
  order: Record<string, unknown>;
  /** The job's parameters with what was left open filled in; stored with the job. */
  params?: Record<string, unknown>;
}

export interface PublishedFile {
  name: string;
  /** Final path relative to the library root. */
  path: string;
  sizeBytes: number;
  mtimeMs: number;
  inode: string;
  /** Where the file that had this path before was put (`onConflict: replace`). */
  replacedPath?: string | null;
}

export interface NewJob {
  type: JobType;
  params: Record<string, unknown>;
  priority?: number;
}

export interface Applied {
  /** Jobs created in the same transaction. */
  followUps: NewJob[];
  /** Lines for the job's log. */
  log: string[];
  /** Library paths removed after the commit (the old place of a moved file). */
  removeAfter: string[];
  /** The job's parameters as they turned out; stored with the job. */
  params?: Record<string, unknown>;
}

export interface HubJobType {
  /** @throws JobRefused when the job cannot run at all (video gone, path outside the library): it fails with that reason. */
  prepare(sql: Queryable, job: HubJob, env: HubEnvironment): Promise<Prepared>;
  /** Runs inside the completing transaction; must only use `tx`. */
  apply(tx: Tx, job: HubJob, result: Record<string, unknown>, files: PublishedFile[], env: HubEnvironment): Promise<Applied>;
  /** Videos whose file has another place afterwards: nobody else may use it while the result is published. */
  moves?(params: Readonly<Record<string, unknown>>): { videoIds: string[]; waitSeconds: number };
  /** An effect batch sent while the job runs; idempotence by (job, epoch, n) is the caller's. The reply goes to the agent. */
  batch?(tx: Tx, job: HubJob, body: Record<string, unknown>, env: HubEnvironment): Promise<Record<string, unknown>>;
}

/** A job that cannot be prepared, or whose result cannot be applied. */
export class JobRefused extends Error {
  readonly error: JobError;
  constructor(code: string, message: string, retryable = false) {
    super(message);
    this.name = 'JobRefused';
    this.error = { code, message, retryable };
  }
}
