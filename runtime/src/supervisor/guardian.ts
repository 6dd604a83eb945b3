import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, delay, systemClock } from '../clock.ts';
import { ReelayError } from '../errors.ts';
import { findExecutable } from './command.ts';
import { GUARDIAN_SCRIPT } from './guardian-script.ts';
import { ownerIsAlive, readPidFile, removePidFile, writePidFile } from './pid-file.ts';
import { lockBySocket, type SocketLock } from './socket-lock.ts';

/** Another process holds the folder. `pid` is null when its pid file cannot be read. */
export class InstanceRunningError extends ReelayError {
  readonly code = 'already_running';
  readonly pid: number | null;
  constructor(dir: string, pid: number | null) {
    super(`already running${pid === null ? '' : ` (process ${pid})`} on ${dir}`, { dir, pid });
    this.pid = pid;
  }
}

/** The helper that holds the lock could not be started. */
export class GuardianFailed extends ReelayError {
  readonly code = 'guardian_failed';
}

export interface GuardianOptions {
  /** The folder to lock; made when missing. */
  dir: string;
  /** What the helper gives the groups between TERM and KILL when this process dies. */
  graceMs: number;
  /** Names the lock and pid file, `reelay` by default. */
  name?: string | undefined;
  /** Id of this run, kept in the pid file. */
  runId?: string | undefined;
  clock?: Clock | undefined;
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The lock on a folder and the helper process that ends our children when we die. */
export interface Guardian {
  add(pgid: number): void;
  remove(pgid: number): void;
  /** Resolves when the helper ended although we did not release it: the lock is gone, so stop. */
  readonly lost: Promise<void>;
  /** Ends the helper (and any group still registered) and frees the lock. Idempotent. */
  release(): Promise<void>;
}

const LOCKED_EXIT = 75;
const RETRY_MS = 100;

type Start = { kind: 'locked' } | { kind: 'held'; child: ChildProcess };

/** Starts the helper and waits until it says that it has the lock. */
function startHelper(lockPath: string, { graceMs, env = {} }: GuardianOptions, withFlock: boolean): Promise<Start> {
  const ticks = String(Math.max(1, Math.ceil(graceMs / 100)));
  const child = spawn('sh', ['-c', GUARDIAN_SCRIPT, 'reelay-guardian', lockPath, ticks, withFlock ? 'flock' : 'none'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: env.PATH ?? process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.stdin.on('error', () => {});
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new GuardianFailed('the guardian process could not be started', { lockPath }, error)));
    child.once('exit', (code) => {
      if (code === LOCKED_EXIT) resolve({ kind: 'locked' });
      else reject(new GuardianFailed(`the lock file ${lockPath} cannot be used (exit ${code ?? 'by signal'})`, { lockPath, code }));
    });
    child.stdout.once('data', () => resolve({ kind: 'held', child }));
  });
}

class HelperGuardian implements Guardian {
  readonly lost: Promise<void>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #cleanUp: () => Promise<void>;
  #releasing: Promise<void> | undefined;

  constructor(child: ChildProcess, cleanUp: () => Promise<void>) {
    this.#child = child;
    this.#cleanUp = cleanUp;
    this.#exited = new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
    this.lost = this.#watch();
  }

  add(pgid: number): void {
    this.#tell(`+${pgid}\n`);
  }

  remove(pgid: number): void {
    this.#tell(`-${pgid}\n`);
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  async #watch(): Promise<void> {
    await this.#exited;
    if (this.#releasing) await new Promise<never>(() => {});
  }

  #tell(line: string): void {
    if (this.#child.stdin?.writable) this.#child.stdin.write(line);
  }

  async #release(): Promise<void> {
    // The pid file goes first: once the lock is free it may be a successor's.
    await this.#cleanUp();
    this.#child.stdin?.end();
    await this.#exited;
  }
}

/**
 * Locks `dir` for this process. The lock is an flock held by a helper, so it vanishes with the helper, which first
 * ends the children of a killed predecessor: a successor cannot overlap with them. Waits while that goes on.
 * Without flock(1) an abstract socket (Linux) or a loopback port (elsewhere) holds the lock, in this process.
 * @throws InstanceRunningError, GuardianFailed
 */
export async function acquireGuardian(options: GuardianOptions): Promise<Guardian> {
  const { dir, graceMs, name = 'reelay', runId = '', clock = systemClock, env = process.env } = options;
  await mkdir(dir, { recursive: true });
  const withFlock = findExecutable('flock', env.PATH ?? '') !== null;
  const pidPath = join(dir, `${name}.pid`);
  const startedMs = clock.monotonicMs();
  for (;;) {
    const socketLock: SocketLock | null | undefined = withFlock ? undefined : await lockBySocket(join(dir, name));
    const start: Start = socketLock === null ? { kind: 'locked' } : await startHelper(join(dir, `${name}.lock`), options, withFlock);
    if (start.kind === 'held') {
      await writePidFile(pidPath, runId, clock.now());
      return new HelperGuardian(start.child, async () => {
        await removePidFile(pidPath);
        await socketLock?.close();
      });
    }
    const owner = await readPidFile(pidPath);
    const cleaning = owner !== null && !(await ownerIsAlive(owner));
    if (!cleaning || clock.monotonicMs() - startedMs > graceMs + 3_000) throw new InstanceRunningError(dir, owner?.pid ?? null);
    await delay(clock, RETRY_MS);
  }
}
