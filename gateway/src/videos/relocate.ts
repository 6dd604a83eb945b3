import { errorCode, type LibraryRoot } from '@reelay/runtime';
import { awaitWriteRow, type FileMove, inTransaction, noteMove, noteMoved, placeOf, requireWrite, type Sql, type Tx, WriteLockLost } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';
import type { WriteGrant } from '../locks/write-locks.ts';
import { addName, isTaken, keepOneName } from './file-names.ts';

export interface RelocateDeps {
  sql: Sql;
  library: LibraryRoot;
}

/**
 * Moves the file of a video that this request has alone, together with its record. Null: the record is changed, but its
 * row did not arrive.
 *
 *   noted ──▶ two names ──▶ record changed ──▶ old name gone
 *     └──crash: nothing to do   └──crash: new name goes   └──crash: old name goes
 *
 * At every moment the name that the record tells is there. What a crash leaves is repaired from the note (repairMove),
 * with the record as the truth. An end of the transaction that nobody heard is looked up, never guessed.
 * @throws HttpProblem name_taken, file_missing; WriteLockLost; what `change` and Postgres throw
 */
export const relocate = async <T>({ sql, library }: RelocateDeps, grant: WriteGrant, move: FileMove, change: (tx: Tx) => Promise<T>): Promise<T | null> => {
  const [from, to] = [library.resolve(move.from), await library.resolveForCreate(move.to)];
  const taken = (cause?: unknown): HttpProblem => new HttpProblem('name_taken', `There is a file ${move.to} already`, { cause });
  const source = await library.resolveExisting(move.from);
  // Before it is noted: a repair must never take away a name that was there before.
  if (await isTaken(to)) throw taken();
  if (!(await noteMove(sql, grant.ticket, move))) throw new WriteLockLost(grant.ticket);
  await addName(source, to).catch((error: unknown) => {
    if (errorCode(error) === 'EEXIST') throw taken(error);
    if (errorCode(error) === 'ENOENT') throw new HttpProblem('file_missing', 'The file of this video is gone', { cause: error });
    throw error;
  });
  let row: T | null = null;
  try {
    row = await inTransaction(sql, async (tx) => {
      await requireWrite(tx, grant.ticket);
      const changed = await change(tx);
      await noteMoved(tx, grant.ticket);
      return changed;
    });
  } catch (error) {
    if (!(await isStored(sql, grant, move))) {
      await keepOneName(from, to).catch(grant.leaveForRepair);
      throw error;
    }
  }
  await keepOneName(to, from).catch(grant.leaveForRepair);
  return row;
};

/** Whether the record tells the new place. @throws when Postgres cannot be asked: then both names stay */
const isStored = async (sql: Sql, grant: WriteGrant, move: FileMove): Promise<boolean> => {
  try {
    return await inTransaction(sql, async (tx) => {
      // The lost transaction holds this row: the server may still be at it.
      await awaitWriteRow(tx, grant.ticket);
      return (await placeOf(tx, move.videoId)) === move.to;
    });
  } catch (error) {
    grant.leaveForRepair();
    throw error;
  }
};

/** Brings a move to its end that was left in the middle: the record says which name is right. */
export const repairMove = async ({ sql, library }: RelocateDeps, { videoId, from, to }: FileMove): Promise<void> => {
  const [place, fromAbs, toAbs] = [await placeOf(sql, videoId), library.resolve(from), await library.resolveForCreate(to)];
  if (place === to) await keepOneName(toAbs, fromAbs);
  else if (place === from) await keepOneName(fromAbs, toAbs);
};
