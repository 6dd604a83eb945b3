import { createHash } from 'node:crypto';
import { chown, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ReelayError } from '@reelay/runtime';
import { ensureSecretFile } from '../secret-file.ts';
import { anyoneMayEnter, anyoneMayRun, copyBinaries, installedPostgres } from './binaries.ts';

/** `nobody` on every Debian: Postgres refuses to run as root, and initdb wants a user that exists. */
const NOBODY = 65_534;
const ELSEWHERE = ['/var/lib', '/var/tmp'];

/** No folder was found that the unprivileged user can enter. */
class NoPostgresHome extends ReelayError {
  readonly code = 'no_postgres_home';
  constructor(dataDir: string) {
    super(`Postgres cannot run as root and no other user can enter ${dataDir} or ${ELSEWHERE.join(' or ')}; set REELAY_DATA_DIR to a folder that others may pass, or DATABASE_URL`, { dataDir });
  }
}

export interface PostgresHome {
  /** bin/, lib/, share/ */
  native: string;
  /** Parent of the data folder and of copied binaries. */
  base: string;
  /** The user it must run as, when we are root. */
  identity: { uid: number; gid: number } | null;
}

/**
 * Decides where Postgres lives. As an ordinary user: in the data folder. As root it runs as `nobody`, who must be able
 * to enter every folder above; a data folder below /root (0700) therefore gets its database in /var/lib. The choice is
 * written down at the first start and never changes afterwards.
 * @throws NoPostgresHome, PostgresMissing
 */
export async function findPostgresHome(dataDir: string, say: (line: string) => void, asRoot = process.getuid?.() === 0): Promise<PostgresHome> {
  const native = await installedPostgres();
  if (!asRoot) {
    const base = join(dataDir, 'postgres');
    await mkdir(base, { recursive: true });
    return { native, base, identity: null };
  }
  const record = join(dataDir, 'postgres.location');
  const base = await ensureSecretFile(record, async () => {
    const chosen = await chooseBase(dataDir);
    if (!chosen.startsWith(dataDir)) say(`The database is kept in ${chosen}: Postgres runs as an ordinary user, who cannot enter ${dataDir}`);
    return chosen;
  });
  await mkdir(base, { recursive: true });
  await chown(base, NOBODY, NOBODY);
  return { native: (await anyoneMayRun(native)) ? native : await copyBinaries(native, base), base, identity: { uid: NOBODY, gid: NOBODY } };
}

async function chooseBase(dataDir: string): Promise<string> {
  const real = await realpath(dataDir);
  if (await anyoneMayEnter(real)) return join(dataDir, 'postgres');
  const name = `reelay-${createHash('sha256').update(real).digest('hex').slice(0, 12)}`;
  for (const parent of ELSEWHERE) {
    try {
      if (!(await anyoneMayEnter(parent))) continue;
      const chosen = join(parent, name);
      await mkdir(chosen, { recursive: true, mode: 0o755 });
      return chosen;
    } catch {
      // Read-only or missing: try the next one.
    }
  }
  throw new NoPostgresHome(dataDir);
}
