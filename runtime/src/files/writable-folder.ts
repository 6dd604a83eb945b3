import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReelayError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { newId } from '../ids.ts';
import { fileTrouble } from './file-trouble.ts';

/** A folder that the service must write to cannot be written. */
export class FolderUnusable extends ReelayError {
  readonly code = 'folder_unusable';
  override readonly serviceExit = EXIT_CODES.configuration;
  /** @param setting the variable that names it */
  constructor(path: string, setting: string, cause: unknown) {
    super(`the folder ${path} cannot be written: ${fileTrouble(cause)}; mend that, or set ${setting} to another one`, { path, setting }, cause);
  }
}

/** Makes the folder where it is missing, and writes a file to see that it can be written. @throws FolderUnusable */
export async function ensureWritableFolder(path: string, setting: string): Promise<void> {
  const probe = join(path, `.reelay-probe-${newId()}`);
  try {
    await mkdir(path, { recursive: true });
    // With content: a full disk still takes an empty file.
    await writeFile(probe, 'probe\n', { flag: 'wx' });
    await unlink(probe);
  } catch (error) {
    await unlink(probe).catch(() => {});
    throw new FolderUnusable(path, setting, error);
  }
}
