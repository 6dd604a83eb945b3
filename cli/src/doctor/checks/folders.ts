import { randomUUID } from 'node:crypto';
import { rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { errorCode, LIBRARY_ID_FILE, readLibraryId } from '@reelay/runtime';
import { bytes } from '../../output/words.ts';
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';
import { textOf } from '../proc-fs.ts';

/** A folder on a network that does not answer is the reason for the limit. */
const LIMIT_MS = 8_000;
const LOW_BYTES = 2 * 1024 ** 3;
const FULL_BYTES = 256 * 1024 ** 2;
const FEW_FILES = 1000;

interface Mount {
  point: string;
  type: string;
  source: string;
}

/** The mount that a folder lies on: the longest mount point above it. */
const mountOf = async (path: string): Promise<Mount | null> => {
  const lines = ((await textOf('/proc/self/mountinfo')) ?? '').split('\n');
  const mounts = lines.flatMap((line): Mount[] => {
    const [left = '', right = ''] = line.split(' - ');
    const point = left.split(' ')[4]?.replaceAll(String.raw`\040`, ' ');
    const [type, source] = right.split(' ');
    return point === undefined || type === undefined ? [] : [{ point, type, source: source ?? '' }];
  });
  const above = mounts.filter(({ point }) => path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`));
  // Of two on the same point the later one covers the earlier.
  return above.toSorted((a, b) => a.point.length - b.point.length).at(-1) ?? null;
};

/** Writes and removes a file: modes alone do not tell of read-only mounts and quotas. */
const tryWrite = async (folder: string): Promise<string | null> => {
  const file = join(folder, `.reelay-doctor-${randomUUID()}`);
  try {
    await writeFile(file, 'x', { flag: 'wx' });
    return null;
  } catch (error) {
    return errorCode(error) ?? 'unknown error';
  } finally {
    await rm(file, { force: true }).catch(() => {});
  }
};

const space = async (name: string, folder: string): Promise<Finding[]> => {
  const { bavail, bsize, files, ffree } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const facts = { freeBytes, freeFiles: ffree };
  const text = `${name}: ${bytes(freeBytes)} free`;
  const findings = [freeBytes < FULL_BYTES ? fail(text, 'make room: jobs that write are refused', facts) : freeBytes < LOW_BYTES ? warn(text, 'make room before long encodes', facts) : ok(text, facts)];
  if (files > 0 && ffree < FEW_FILES) findings.push(warn(`${name}: room for ${ffree} more files (inodes)`, 'remove files'));
  return findings;
};

const whose = async (folder: string): Promise<string> => {
  const { uid, mode } = await stat(folder);
  return `owner ${uid}, mode ${(mode & 0o7777).toString(8)}; this is user ${process.getuid?.() ?? '?'}`;
};

/** A folder that a start would make is well when the one above it can be written. */
const notThere = async (name: string, folder: string): Promise<Finding> => {
  let above = dirname(folder);
  while (above !== dirname(above) && (await stat(above).catch(() => null)) === null) above = dirname(above);
  const problem = await tryWrite(above);
  return problem === null ? ok(`${name}: ${folder} is not there yet; the first start makes it`) : fail(`${name}: ${folder} is not there, and ${above} cannot be written (${problem})`, 'make it and give it to the user that runs Reelay');
};

const folder = async (name: string, path: string): Promise<Finding[]> => {
  const info = await stat(path).catch((error: unknown) => errorCode(error) ?? 'unknown error');
  if (info === 'ENOENT') return [await notThere(name, path)];
  if (typeof info === 'string') return [fail(`${name}: ${path} cannot be looked at (${info})`, 'give the user that runs Reelay the right to enter it, and every folder above it')];
  if (!info.isDirectory()) return [fail(`${name}: ${path} is no folder`, 'name another one')];
  const problem = await tryWrite(path);
  const mount = await mountOf(path);
  const where = `${path}${mount === null ? '' : ` on ${mount.type}${mount.point === '/' ? '' : ` (${mount.point})`}`}`;
  if (problem !== null) return [fail(`${name}: ${where} cannot be written (${problem}; ${await whose(path)})`, problem === 'EROFS' ? 'mount it for writing' : 'give it to the user that runs Reelay')];
  return [ok(`${name}: ${where}, writable`, { path, mount }), ...(await space(name, path))];
};

const libraryRoot = ({ place, instance }: Patient): string => instance?.facts?.libraryRoot ?? place.libraryRoot;

/** The marker tells the library from an empty folder where it should be mounted. */
const marker = async (patient: Patient): Promise<Finding[]> => {
  const root = libraryRoot(patient);
  if ((await stat(root).catch(() => null)) === null) return [];
  const id = await readLibraryId(root);
  if (id !== null) return [ok(`Library: marked as ${id}`, { id })];
  const used = (await stat(join(patient.place.dataDir, 'secret.key')).catch(() => null)) !== null;
  return used
    ? [warn(`Library: ${root} has no marker (${LIBRARY_ID_FILE})`, 'if it should be mounted there, mount it before the next start; an empty folder would count as a new library')]
    : [ok('Library: not marked yet; the first start does it')];
};

const check = (id: string, look: Check['look']): Check => ({ id, group: 'Folders', limitMs: LIMIT_MS, look });

export const folderChecks: Check[] = [
  check('folder.data', ({ place }) => folder('Data folder', place.dataDir)),
  check('folder.library', (patient) => folder('Library', libraryRoot(patient))),
  check('library.marker', marker),
  check('folder.work', ({ place, instance }) => folder('Work folder of the local node', instance?.facts?.workDir ?? join(place.dataDir, 'node'))),
  check('folder.temp', () => folder('Temporary files', tmpdir())),
];
