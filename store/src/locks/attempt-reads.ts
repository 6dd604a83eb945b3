/**
 * The files that a job's attempt reads. There is no lease of their own:
 *
 *   order built ──grantReads: no writer──▶ held ──result told, attempt ended──▶ (none)
 *        └──a writer has the file, or waits──▶ offered again later   └──the job's lease over──▶ as if it were not there
 */
import { inTransaction, type Sql, type Tx } from '../db.ts';
import { appendHubLog } from '../logs/hub-log.ts';
import { type FileKey, pathFile, serialise, videoFile } from './file-key.ts';
import { goesFirst, liveWrite } from './holders.ts';

export interface AttemptInput {
  path: string;
  /** The video that was found to have the path; null or left out: whichever has it. */
  videoId?: string | null | undefined;
}

export type GrantAnswer =
  | 'held'
  /** A writer has one of the files, or waits for it. */
  | 'blocked'
  /** A video has another path by now: prepare the attempt again. */
  | 'moved'
  /** The attempt is over. */
  | 'stale';

const videosAt = async (tx: Tx, inputs: readonly AttemptInput[]): Promise<{ id: string; path: string }[]> => [
  ...await tx<{ id: string; path: string }[]>`select id, path from videos where path = any(${inputs.map(({ path }) => path)}) and deleted_at is null order by id`,
];

/** Makes an attempt the reader of its inputs; told again, its inputs are those told last. */
export const grantReads = (sql: Sql, { jobId, epoch }: { jobId: string; epoch: number }, inputs: readonly AttemptInput[]): Promise<GrantAnswer> =>
  inTransaction(sql, async (tx): Promise<GrantAnswer> => {
    const found = await videosAt(tx, inputs);
    const files: FileKey[] = inputs.map(({ path, videoId }) => {
      const id = videoId ?? found.find((video) => video.path === path)?.id;
      return id === undefined ? pathFile(path) : videoFile(id);
    });
    await serialise(tx, files);
    // Writers first, paths then: one that ends in between has stored the new path by then.
    const writers = await tx`select 1 from file_writes w where ${goesFirst(tx)} and w.files && ${files}::text[] and ${liveWrite(tx)} limit 1`;
    if (writers.length > 0) return 'blocked';
    const now = await videosAt(tx, inputs);
    const holds = (id: string, path: string): boolean => now.some((video) => video.id === id && video.path === path);
    const same = found.length === now.length && found.every(({ id, path }) => holds(id, path));
    if (!same || inputs.some(({ path, videoId }) => typeof videoId === 'string' && !holds(videoId, path))) return 'moved';
    const rows = await tx`update attempts set reads = ${files}::text[] where job_id = ${jobId} and epoch = ${epoch} and released_at is null returning 1`;
    return rows.length === 1 ? 'held' : 'stale';
  });

/** The work is done and only its result is to be published: what was read is free. */
export const dropAttemptReads = async (tx: Tx, { jobId, epoch }: { jobId: string; epoch: number }): Promise<void> => {
  await tx`update attempts set reads = '{}' where job_id = ${jobId} and epoch = ${epoch} and cardinality(reads) > 0`;
};

/** Says, in the job's log and beside its progress, that its result waits for a file. */
export const noteWaiting = (sql: Sql, job: { id: string; epoch: number }, text: string): Promise<void> =>
  inTransaction(sql, async (tx) => {
    const rows = await tx`
      update jobs set phase = 'waiting', status_message = ${text.slice(0, 300)}, rev = rev + 1 where id = ${job.id} and epoch = ${job.epoch} and status = 'running' returning 1`;
    if (rows.length > 0) await appendHubLog(tx, job.id, job.epoch, 'after', [{ text }]);
  });
