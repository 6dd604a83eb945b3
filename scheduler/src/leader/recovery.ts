import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, type LibraryRoot, type Logger, parsePartName, type PartInfo, toError } from '@reelay/runtime';
import { type Lease, liveAttempts, readOldIntents, type Sql } from '@reelay/store';
import type { Settler } from '../settle/settler.ts';

const INTENTS_AT_ONCE = 50;

/** Brings publishing to its end that a scheduler left in the middle. */
export const replayIntents = async (sql: Sql, settler: Settler, logger: Logger, olderThanMs: number): Promise<void> => {
  for (const intent of await readOldIntents(sql, olderThanMs, INTENTS_AT_ONCE)) {
    try {
      await settler.replay(intent);
    } catch (error) {
      logger.warn({ err: toError(error), jobId: intent.jobId, epoch: intent.epoch }, 'intent not replayed');
    }
  }
};

/** Removes the part files of attempts that are over. Looks at names only an attempt writes. Returns how many went. */
export const sweepParts = async (sql: Sql, library: LibraryRoot, logger: Logger, lease: () => Lease | null): Promise<number> => {
  let removed = 0;
  const parts: { path: string; info: PartInfo }[] = [];
  const flush = async (): Promise<void> => {
    const batch = parts.splice(0);
    const live = await liveAttempts(sql, batch.map(({ info }) => info));
    for (const { path, info } of batch) {
      if (live.has(`${info.jobId}.${info.epoch}`) || lease() === null) continue;
      await unlink(path).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') throw error;
      });
      logger.info({ jobId: info.jobId, epoch: info.epoch, name: info.name }, 'dead part removed');
      removed += 1;
    }
  };
  for await (const path of filesBelow(library.path)) {
    const info = parsePartName(path);
    if (info) parts.push({ path, info });
    if (parts.length >= 500) await flush();
  }
  await flush();
  return removed;
};

/** Every file below a folder, symbolic links not followed; folders that cannot be read are passed over. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}
