import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '@reelay/runtime';

/** Where this program writes files that become whole by a link or a rename. */
const FOLDERS = ['', 'nats', 'nats/accounts', 'nats/creds'];
const PART = /\.(\d+)\.part$/;

/** Another tool may be writing just now; a number that was given away again only keeps the file for longer. */
function isLeft(name: string): boolean {
  const pid = Number(PART.exec(name)?.[1] ?? Number.NaN);
  if (Number.isNaN(pid)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** Removes what starts that were ended in the middle of a write have left. Call it while holding the lock on the folder. Answers the names. */
export async function removeLeftParts(dataDir: string): Promise<string[]> {
  const found = await Promise.all(FOLDERS.map(async (folder) => {
    const names = await readdir(join(dataDir, folder)).catch(() => []);
    return names.filter(isLeft).map((name) => join(folder, name));
  }));
  const parts = found.flat();
  await Promise.all(parts.map((name) => rm(join(dataDir, name), { force: true })));
  return parts;
}
