import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { User, Video } from '@reelay/contracts';
import { errorCode, identify, type LibraryRoot, publishFile } from '@reelay/runtime';
import { createJobs, findVideosByIds, inTransaction, insertVideo, pathFile, serialise, type Sql, toVideo, type Tx } from '@reelay/store';
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

/** A video whose file has its name, and whose record is on its way. */
interface Made {
  video: Video;
  /** Absolute. */
  file: string;
}

/**
 * Makes a received part a video of the inbox: a free name by link(2), the record and its `validate` job in one
 * transaction.
 *
 *   part ──▶ part and name ──COMMIT──▶ name
 *                    ├──rolled back──▶ (none)
 *                    └──nobody heard the end──▶ looked up: stored, or rolled back; where that cannot be asked, both names
 *                       stay, and the sweep of old parts takes away what has no record
 */
export const admitUpload = async (deps: AdmitDeps, part: string, filename: string, user: User, first?: FirstAnswer): Promise<Video> => {
  const made: Made[] = [];
  const gate = [pathFile(part)];
  try {
    await inTransaction(deps.sql, async (tx) => {
      await serialise(tx, gate);
      const { sizeBytes, mtimeMs, inode } = await identify(part);
      const { row, path } = await takeName(deps, tx, { part, filename, sizeBytes, mtimeMs, inode, actor: user.username });
      const video = toVideo(row);
      made.push({ video, file: join(deps.library.path, path) });
      await createJobs(tx, [{ id: deps.newId(), type: 'validate', params: { videoId: row.id, deep: false }, createdBy: user.username }], user.username);
      await first?.keep(tx, 201, video);
    });
  } catch (error) {
    // Throws when Postgres does not answer: then nothing is taken away.
    const stored = await inTransaction(deps.sql, async (tx) => {
      // Waits until the server is done with the transaction, should it still be at it.
      await serialise(tx, gate);
      return findVideosByIds(tx, made.map(({ video }) => video.id));
    });
    if (stored.length === 0) {
      for (const path of [...made.map(({ file }) => file), part]) await unlink(path).catch(() => undefined);
      throw error;
    }
  }
  await unlink(part).catch(() => undefined);
  const [done] = made;
  if (done === undefined) throw new HttpProblem('internal', 'The upload ended without a video');
  return done.video;
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
      await publishFile(candidate.part, final, { keepPart: true });
      return row;
    }).catch((error: unknown) => {
      if (errorCode(error) === 'output_exists') return null;
      throw error;
    });
    if (outcome !== null) return { row: outcome, path };
  }
  throw new HttpProblem('name_taken', `There are ${MAX_NAMES} files of this name already`);
};
