import { link, open, stat, unlink } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { errorCode, ReelayError } from '../errors.ts';

/** Another file already has the name. */
export class OutputExistsError extends ReelayError {
  readonly code = 'output_exists';
  constructor(path: string) {
    super(`a file with this name already exists: ${path}`, { path });
  }
}

/** The part to publish is not there. */
export class PartMissingError extends ReelayError {
  readonly code = 'part_missing';
  constructor(path: string) {
    super(`the finished part is missing: ${path}`, { path });
  }
}

/** The file system cannot give a file a second name, which publishing without overwriting needs. */
export class PublishUnsupportedError extends ReelayError {
  readonly code = 'publish_unsupported';
  constructor(path: string, cause: unknown) {
    super(`the file system of ${path} supports no hard links; Reelay needs them to publish without overwriting`, { path }, cause);
  }
}

export interface PartInfo {
  /** Folder relative to the library, '' for its root. */
  folder: string;
  /** Name of the finished file; shortened when the part's name would exceed 255 bytes. */
  name: string;
  jobId: string;
  epoch: number;
}

const MAX_NAME_BYTES = 255;
const PART = /^\.(.+)\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.(\d{1,10})\.part$/;

function shorten(name: string, maxBytes: number): string {
  let short = name;
  while (Buffer.byteLength(short) > maxBytes) short = Array.from(short).slice(0, -1).join('');
  return short;
}

/** The path, in the same folder as `finalRel`, under which an attempt writes its result. */
export function partName(finalRel: string, jobId: string, epoch: number): string {
  const suffix = `.${jobId}.${epoch}.part`;
  const name = shorten(posix.basename(finalRel), MAX_NAME_BYTES - 1 - suffix.length);
  return posix.join(posix.dirname(finalRel), `.${name}${suffix}`);
}

/** What a part's path says, or null when it is not a part of ours. */
export function parsePartName(rel: string): PartInfo | null {
  const found = PART.exec(posix.basename(rel));
  if (!found) return null;
  const [, name = '', jobId = '', epoch = ''] = found;
  const folder = posix.dirname(rel);
  return { folder: folder === '.' ? '' : folder, name, jobId, epoch: Number(epoch) };
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a, { bigint: true }), stat(b, { bigint: true })]);
  return first.ino === second.ino && first.dev === second.dev;
}

/** How the file at the final name is known to be ours when the part is already gone. */
export interface PublishOptions {
  /** Identity of the part as recorded with the intent; makes a repeat after a crash succeed. */
  expected?: { inode: string; device: string } | undefined;
  /** The part's name stays, for the caller to remove once the file is recorded. */
  keepPart?: boolean | undefined;
}

async function publishedEarlier(finalAbs: string, expected: PublishOptions['expected']): Promise<boolean> {
  if (!expected) return false;
  const found = await stat(finalAbs, { bigint: true }).catch(() => null);
  return found !== null && String(found.ino) === expected.inode && String(found.dev) === expected.device;
}

/**
 * Gives the finished part its final name with link(2): never overwrites, may be repeated after a crash.
 * Both names must be on one file system. The content and the folder are on disk when it resolves.
 * @throws OutputExistsError, PartMissingError, PublishUnsupportedError
 */
export async function publishFile(partAbs: string, finalAbs: string, options: PublishOptions = {}): Promise<'published' | 'already'> {
  let outcome: 'published' | 'already' = 'published';
  try {
    await syncPath(partAbs);
    await link(partAbs, finalAbs);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') {
      if (await publishedEarlier(finalAbs, options.expected)) return 'already';
      throw new PartMissingError(partAbs);
    }
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EMLINK' || code === 'EXDEV') throw new PublishUnsupportedError(finalAbs, error);
    if (code !== 'EEXIST') throw error;
    if (!(await sameFile(partAbs, finalAbs))) throw new OutputExistsError(finalAbs);
    outcome = 'already';
  }
  await syncPath(dirname(finalAbs));
  if (options.keepPart === true) return outcome;
  await unlink(partAbs);
  await syncPath(dirname(finalAbs));
  return outcome;
}
