import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { User, Video } from '@reelay/contracts';
import { errorCode, identify, type LibraryRoot, publishFile } from '@reelay/runtime';
import { createJobs, inTransaction, insertVideo, type Sql, toVideo, type Tx } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';
import type { FirstAnswer } from '../jobs/idempotency.ts';
import { numberedName, titleOf } from './file-name.ts';
import { INBOX } from './receive.ts';

export interface AdmitDeps {
  sql: Sql;
  library: LibraryRoot;
  newId: () => string;
}

const MAX_NAMES = 1000;

/**
 * Makes a received part a video of the inbox: a free name by link(2), the record and its `validate` job in one
 * transaction. When it fails nothing stays, neither file nor record.
 */
export const admitUpload = async (deps: AdmitDeps, part: string, filename: string, user: User, first?: FirstAnswer): Promise<Video> => {
  let published: string | null = null;
  try {
    return await inTransaction(deps.sql, async (tx) => {
      const { sizeBytes, mtimeMs, inode } = await identify(part);
      const { row, path } = await takeName(deps, tx, { part, filename, sizeBytes, mtimeMs, inode, actor: user.username });
      published = join(deps.library.path, path);
      await createJobs(tx, [{ id: deps.newId(), type: 'validate', params: { videoId: row.id, deep: false }, createdBy: user.username }], user.username);
      const video = toVideo(row);
      await first?.keep(tx, 201, video);
      return video;
    });
  } catch (error) {
    await unlink(published ?? part).catch(() => undefined);
    throw error;
  }
};

interface Candidate {
  part: string;
  filename: string;
  sizeBytes: number;
  mtimeMs: number;
  inode: string;
  actor: string;
}

/** The record's unique path reserves the name; the link must find it free on disk too. */
const takeName = async (deps: AdmitDeps, tx: Tx, candidate: Candidate) => {
  for (let n = 1; n <= MAX_NAMES; n += 1) {
    const name = numberedName(candidate.filename, n);
    const path = `${INBOX}/${name}`;
    const final = await deps.library.resolveForCreate(path);
    const outcome = await tx.savepoint(async (inner) => {
      const row = await insertVideo(inner, { id: deps.newId(), title: titleOf(name), path, ...candidate }, candidate.actor);
      if (row === null) return null;
      await publishFile(candidate.part, final);
      return row;
    }).catch((error: unknown) => {
      if (errorCode(error) === 'output_exists') return null;
      throw error;
    });
    if (outcome !== null) return { row: outcome, path };
  }
  throw new HttpProblem('name_taken', `There are ${MAX_NAMES} files of this name already`);
};
