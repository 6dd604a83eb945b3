import { link, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type User, type Video, videoSchema } from '@reelay/contracts';
import { ReelayError } from '@reelay/runtime';
import { keepAnswer, readAnswer, type Sql } from '@reelay/store';
import { type AdmitDeps, admitUpload } from '../videos/admit.ts';
import { INBOX, syncFile, uploadPartName } from '../videos/receive.ts';
import type { UploadStore } from '../videos/tus-store.ts';
import type { PartJournal } from './part-journal.ts';

const OWNER = 'uploads';

/** Another request has made the video of this upload. */
class FinishedBefore extends ReelayError {
  readonly code = 'upload_finished_before';
}

/** The video an upload became, which is remembered for a day; null while it is none. */
export const finishedVideo = async (sql: Sql, uploadId: string): Promise<Video | null> => {
  const answer = await readAnswer(sql, OWNER, uploadId);
  return answer === undefined ? null : videoSchema.parse(answer);
};

/**
 * Makes an upload whose bytes are all there a video, once, however often and on however many gateways it is tried: the
 * record that it is done is written in the transaction that makes the video. The bytes lie under a second name until
 * then, so that a crash at any point loses none of them. The caller holds the upload's lock.
 */
export const finishUpload = async (deps: AdmitDeps & { store: UploadStore; parts: PartJournal }, uploadId: string, filename: string, user: User): Promise<Video> => {
  const path = deps.store.pathOf(uploadId);
  const earlier = await finishedVideo(deps.sql, uploadId);
  if (earlier !== null) return earlier;
  await syncFile(path);
  const partId = deps.newId();
  const part = join(deps.library.path, INBOX, uploadPartName(partId));
  try {
    return await deps.parts.during(partId, async () => {
      await link(path, part);
      return admitUpload(deps, part, filename, user, {
        keep: async (tx, status, body) => {
          if (!(await keepAnswer(tx, { owner: OWNER, key: uploadId, requestHash: '' }, status, body))) throw new FinishedBefore('the upload is a video already', { uploadId });
        },
      });
    });
  } catch (error) {
    const other = error instanceof FinishedBefore ? await finishedVideo(deps.sql, uploadId) : null;
    if (other !== null) return other;
    throw error;
  } finally {
    await unlink(part).catch(() => undefined);
  }
};
