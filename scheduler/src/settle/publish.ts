import { link, lstat, mkdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import type { WorkOrder } from '@reelay/contracts';
import { clipName, JobRefused, type PublishedFile } from '@reelay/job-types/hub';
import { errorCode, identify, type LibraryRoot, OutputExistsError, publishFile } from '@reelay/runtime';
import type { IntentFile, Removal } from '@reelay/store';

const TRASH = '.trash';
/** `name (2).mp4` … and then it is enough. */
const MAX_NAMES = 1000;
const MAX_NAME_BYTES = 255;

/** Looks at the finished parts: each must be there, with the size the node reported. @throws JobRefused */
export const inspectParts = async (library: LibraryRoot, order: WorkOrder, files: readonly { name: string; sizeBytes: number }[]): Promise<IntentFile[]> => {
  const inspected: IntentFile[] = [];
  for (const { name, sizeBytes } of files) {
    const output = order.outputs.find((wanted) => wanted.name === name);
    if (!output) throw new JobRefused('output_unknown', `The node reported a file that was not ordered: ${name}`);
    const found = await stat(await library.resolveForCreate(output.partPath), { bigint: true }).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') throw new JobRefused('part_missing', `The finished part of ${output.path} is not there`, true);
      throw error;
    });
    if (Number(found.size) !== sizeBytes || sizeBytes === 0) {
      throw new JobRefused('part_size', `The finished part of ${output.path} has ${found.size} bytes instead of ${sizeBytes}`, true);
    }
    inspected.push({
      name, partPath: output.partPath, finalPath: output.path, onConflict: output.onConflict, sizeBytes,
      inode: String(found.ino), device: String(found.dev), linked: found.nlink > 1n, asidePath: null,
    });
  }
  return inspected;
};

/**
 * Gives each part its final name, choosing another or moving the old file aside where the order says so. A choice is
 * noted in `file` and stored by `note` before it is acted on, so that a repeat after a crash goes on where this ended.
 * @throws OutputExistsError, PartMissingError, PublishUnsupportedError
 */
export const publishAll = async (library: LibraryRoot, jobId: string, files: IntentFile[], note: () => Promise<void>): Promise<PublishedFile[]> => {
  const published: PublishedFile[] = [];
  for (const file of files) published.push(await publishOne(library, jobId, file, note));
  return published;
};

const publishOne = async (library: LibraryRoot, jobId: string, file: IntentFile, note: () => Promise<void>): Promise<PublishedFile> => {
  const wanted = file.finalPath;
  const part = await library.resolveForCreate(file.partPath);
  for (let n = 2; ; n += 1) {
    const final = await library.resolveForCreate(file.finalPath);
    try {
      await publishFile(part, final, { expected: { inode: file.inode, device: file.device } });
      const { sizeBytes, mtimeMs, inode } = await identify(final);
      return { name: file.name, path: file.finalPath, sizeBytes, mtimeMs, inode, replacedPath: file.asidePath };
    } catch (error) {
      if (!(error instanceof OutputExistsError) || file.onConflict === 'fail' || n > MAX_NAMES) throw error;
    }
    if (file.onConflict === 'rename') {
      file.finalPath = numbered(wanted, n);
      await note();
    } else {
      await moveAside(library, jobId, file, final, note);
    }
  }
};

/**
 * Puts the file that has the final name aside, once: whoever takes the name after that is no program of ours, and what is
 * aside must not be forgotten for it. @throws OutputExistsError
 */
const moveAside = async (library: LibraryRoot, jobId: string, file: IntentFile, final: string, note: () => Promise<void>): Promise<void> => {
  if (file.asidePath !== null && (await isTaken(await library.resolveForCreate(file.asidePath)))) throw new OutputExistsError(final);
  for (let n = 2; ; n += 1) {
    file.asidePath = posix.join(TRASH, clipName(`${jobId}-${n}-${posix.basename(file.finalPath)}`, MAX_NAME_BYTES));
    if (!(await isTaken(await library.resolveForCreate(file.asidePath)))) break;
  }
  await note();
  const aside = await library.resolveForCreate(file.asidePath);
  await mkdir(dirname(aside), { recursive: true });
  await rename(final, aside);
};

const isTaken = async (path: string): Promise<boolean> => (await lstat(path).catch(() => null)) !== null;

/** `film.mp4` → `film (2).mp4`; a name that becomes too long loses the end of its stem. */
export const numbered = (path: string, n: number): string => {
  const { dir, name, ext } = posix.parse(path);
  const tail = ` (${n})${ext}`;
  return posix.join(dir, `${clipName(name, MAX_NAME_BYTES - Buffer.byteLength(tail))}${tail}`);
};

/** Takes published files back: their final names go, and what they replaced returns. Only ever removes what the attempt made. */
export const unpublish = async (library: LibraryRoot, files: readonly IntentFile[]): Promise<void> => {
  for (const file of files) {
    const final = await library.resolveForCreate(file.finalPath);
    const found = await stat(final, { bigint: true }).catch(() => null);
    const ours = found !== null && String(found.ino) === file.inode && String(found.dev) === file.device;
    // The last name of a moved file is the original itself.
    if (ours && !(file.linked && found.nlink === 1n)) await unlink(final);
    if (file.asidePath !== null) await restore(library, file.asidePath, file.finalPath);
  }
};

/** Gives a file that was put aside its name back, or one beside it when another program has taken that: it never stays in the trash. */
const restore = async (library: LibraryRoot, asidePath: string, finalPath: string): Promise<void> => {
  const aside = await library.resolveForCreate(asidePath);
  for (let n = 1; n <= MAX_NAMES; n += 1) {
    const wanted = await library.resolveForCreate(n === 1 ? finalPath : numbered(finalPath, n));
    try {
      await link(aside, wanted);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      // Its own name: a repeat after a crash between the two steps.
      if (errorCode(error) !== 'EEXIST' || !(await isSameFile(aside, wanted))) {
        if (errorCode(error) === 'EEXIST') continue;
        throw error;
      }
    }
    await unlink(aside);
    return;
  }
};

const isSameFile = async (a: string, b: string): Promise<boolean> => {
  const [first, second] = await Promise.all([stat(a, { bigint: true }), stat(b, { bigint: true })]);
  return first.ino === second.ino && first.dev === second.dev;
};

/** Removes library files that are there; a path outside the library is an error, a missing file is none. */
export const removeFiles = async (library: LibraryRoot, paths: readonly string[]): Promise<void> => {
  for (const path of paths) await rm(await library.resolveForCreate(path), { force: true });
};

/** The files at these paths as they are now; those that are gone are left out. */
export const identifyRemovals = async (library: LibraryRoot, paths: readonly string[]): Promise<Removal[]> => {
  const found = await Promise.all(paths.map(async (path) => ({ path, inode: await inodeOf(library, path) })));
  return found.flatMap(({ path, inode }) => (inode === null ? [] : [{ path, inode }]));
};

/** Removes each file unless another has taken its name since. May be repeated. */
export const removeKnown = async (library: LibraryRoot, removals: readonly Removal[]): Promise<void> => {
  for (const { path, inode } of removals) if ((await inodeOf(library, path)) === inode) await removeFiles(library, [path]);
};

/** Of the name itself: a link is not followed. */
const inodeOf = async (library: LibraryRoot, path: string): Promise<string | null> => {
  const found = await lstat(await library.resolveForCreate(path), { bigint: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  return found === null ? null : String(found.ino);
};
