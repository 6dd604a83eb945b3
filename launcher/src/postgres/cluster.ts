import { chown, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Ctx, delay, ReelayError, systemClock } from '@reelay/runtime';
import { runTool, type SpawnOptions, type Supervisor } from '@reelay/runtime/supervisor';
import postgres from 'postgres';
import { readIfThere } from '../secret-file.ts';
import type { PostgresHome } from './home.ts';

/** A helper of Postgres failed. */
class PostgresToolFailed extends ReelayError {
  readonly code = 'postgres_tool_failed';
  constructor(tool: string, lastWords: string) {
    super(`${tool} failed: ${lastWords}`, { tool });
  }
}

/** The data folder was made by another major version. */
class PostgresVersionChanged extends ReelayError {
  readonly code = 'postgres_version_changed';
  constructor(folder: string, found: string, wanted: string) {
    super(`the database in ${folder} was made by Postgres ${found}, this is ${wanted}: start the earlier release of Reelay, or set REELAY_DATA_DIR to a new folder`, { folder, found, wanted });
  }
}

export interface ClusterOptions {
  home: PostgresHome;
  supervisor: Supervisor;
  port: number;
  password: string;
  clock?: Clock | undefined;
}

const USER = 'reelay';
const DATABASE = 'reelay';
const READY_POLL_MS = 10;
const TOOL_LIMIT_MS = 60_000;

/** The embedded Postgres: one data folder and the server on it. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #clock: Clock;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get url(): string {
    return this.urlOf(DATABASE);
  }

  urlOf(database: string): string {
    return `postgres://${USER}:${encodeURIComponent(this.#options.password)}@127.0.0.1:${this.#options.port}/${database}`;
  }

  get #data(): string {
    return join(this.#options.home.base, 'data');
  }

  /** Makes the data folder at the first start, and ends a server that a killed predecessor left on it. @throws PostgresToolFailed, PostgresVersionChanged */
  async prepare(ctx: Ctx): Promise<void> {
    const version = await readIfThere(join(this.#data, 'PG_VERSION'));
    if (version === null) await this.#initialise(ctx);
    else await this.#checkVersion(version.trim());
    await this.#endOrphan(ctx);
  }

  /** How the server is started. `onLine` gets what it logs. */
  command(onLine: (line: string) => void): SpawnOptions {
    const { home, port } = this.#options;
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '100',
      shared_buffers: '128MB',
      // Errors of statements are the services' to log; the server's own end is not.
      log_min_messages: 'fatal',
      log_timezone: 'UTC',
    };
    return {
      name: 'postgres',
      argv0: join(home.native, 'bin', 'postgres'),
      args: ['-D', this.#data, '-p', String(port), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      env: { LANG: 'C', LC_ALL: 'C', TZ: 'UTC' },
      // The folder npm start was called in may be one that the server's user cannot enter.
      cwd: home.base,
      group: 'own',
      deathSignal: 'INT',
      ...this.#identity(),
      onStderrLine: onLine,
    };
  }

  /** Resolves when the server takes connections: it writes its state into its pid file. */
  async untilReady(isGone: () => boolean): Promise<void> {
    while (!isGone()) {
      const lines = ((await readIfThere(join(this.#data, 'postmaster.pid'))) ?? '').split('\n');
      if (lines[3] === String(this.#options.port) && lines[7]?.trim() === 'ready') break;
      await delay(this.#clock, READY_POLL_MS);
    }
  }

  /** Makes our database unless it exists. */
  async ensureDatabase(): Promise<void> {
    const sql = postgres(this.urlOf('postgres'), { max: 1, onnotice: () => {} });
    try {
      const found = await sql`select 1 from pg_database where datname = ${DATABASE}`;
      if (found.length === 0) await sql`create database ${sql(DATABASE)} template template0`;
    } finally {
      await sql.end();
    }
  }

  #identity(): { uid?: number; gid?: number } {
    return this.#options.home.identity ?? {};
  }

  async #initialise(ctx: Ctx): Promise<void> {
    const { home, password } = this.#options;
    const part = `${this.#data}.part`;
    const passwordFile = join(home.base, 'initdb.password');
    await rm(part, { recursive: true, force: true });
    try {
      await writeFile(passwordFile, password, { mode: 0o600 });
      if (home.identity !== null) await chown(passwordFile, home.identity.uid, home.identity.gid);
      const access = ['-D', part, '-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
      const locale = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
      await this.#tool(ctx, 'initdb', [...access, ...locale]);
      await rename(part, this.#data);
    } finally {
      await rm(passwordFile, { force: true });
    }
  }

  async #checkVersion(found: string): Promise<void> {
    const catalogue = await readFile(join(this.#options.home.native, 'share', 'postgresql', 'postgres.bki'), 'utf8');
    const wanted = /^# PostgreSQL (\d+)/.exec(catalogue)?.[1] ?? found;
    if (wanted !== found) throw new PostgresVersionChanged(this.#data, found, wanted);
  }

  async #endOrphan(ctx: Ctx): Promise<void> {
    const pidFile = join(this.#data, 'postmaster.pid');
    const pid = Number((await readIfThere(pidFile))?.split('\n')[0]);
    if (!Number.isInteger(pid) || pid <= 0) return;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // We hold the lock on the folder, so a live pid that is no server of ours was given to another program since.
    if (commandLine.includes(this.#data)) await this.#tool(ctx, 'pg_ctl', ['-D', this.#data, '-m', 'fast', '-w', '-t', '20', 'stop']);
    else await unlink(pidFile);
  }

  async #tool(ctx: Ctx, tool: 'initdb' | 'pg_ctl', args: string[]): Promise<void> {
    const { home, supervisor } = this.#options;
    const identity = home.identity;
    const dropped = identity === null ? null : ['--reuid', String(identity.uid), '--regid', String(identity.gid), '--clear-groups', '--'];
    const program = join(home.native, 'bin', tool);
    const result = await runTool(ctx, supervisor, {
      name: tool,
      ...(dropped === null ? { argv0: program, args } : { argv0: 'setpriv', args: [...dropped, program, ...args] }),
      env: { LANG: 'C', LC_ALL: 'C', TZ: 'UTC' },
      cwd: home.base,
      maxOutputBytes: 1024 * 1024,
      limitMs: TOOL_LIMIT_MS,
    });
    if (result.exit.kind === 'code' && result.exit.code === 0) return;
    throw new PostgresToolFailed(tool, (result.stderrTail || result.stdout).trim().split('\n').slice(-3).join(' '));
  }
}
