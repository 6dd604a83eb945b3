import { ftruncateSync, mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, delay, systemClock } from '../clock.ts';
import { Ctx } from '../ctx.ts';
import { ReelayError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { fileTrouble } from '../files/file-trouble.ts';
import { findExecutable } from './command.ts';
import { type FileLock, FileLockFailed, lockFile } from './file-lock.ts';
import { describeOwner, formatPidFile, ownerIsAlive, type PidFile, readPidFile, removePidFile, writePidFile } from './pid-file.ts';
import { lockBySocket } from './socket-lock.ts';

/** The service runs already. `pid` is null when nobody knows it. */
export class InstanceRunningError extends ReelayError {
  readonly code = 'already_running';
  override readonly serviceExit = EXIT_CODES.alreadyRunning;
  readonly pid: number | null;
  constructor(dir: string, name: string, owner: PidFile | null, here: boolean) {
    const where = here || !owner?.host ? '' : ` on the host ${owner.host}`;
    const who = owner === null ? '' : ` (process ${owner.pid}${where})`;
    super(`${name} already runs on ${dir}${who}; stop it first`, { dir, name, pid: owner?.pid ?? null });
    this.pid = owner?.pid ?? null;
  }
}

/** Lock and pid file cannot be made. */
export class RunFolderUnusable extends ReelayError {
  readonly code = 'run_folder_unusable';
  override readonly serviceExit = EXIT_CODES.configuration;
  constructor(dir: string, cause: unknown) {
    const why = cause instanceof FileLockFailed ? cause.message : fileTrouble(cause);
    super(`the folder ${dir} cannot take the lock and the pid file: ${why}`, { dir }, cause);
  }
}

export interface InstanceOptions {
  /** The folder that is locked; made when missing. */
  dir: string;
  /** Names `<name>.pid` and `<name>.lock`. */
  name: string;
  /** Id of this run, kept in the pid file. */
  runId: string;
  /** How long a killed predecessor's helpers may still hold the lock. Default 1 s. */
  waitMs?: number | undefined;
  /** Ends the waiting. */
  ctx?: Ctx | undefined;
  clock?: Clock | undefined;
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** While it is held, this process is the only one of its name on the folder. */
export interface InstanceLock {
  /** For a helper that is to hold the lock beyond our end; undefined where a socket is the lock. */
  readonly fd: number | undefined;
  readonly pidFile: string;
  readonly lockFile: string;
  /** Removes pid and lock file, then frees the lock. Idempotent. For a last resort it is done when it returns, but for a socket. */
  release(): Promise<void>;
}

interface Held {
  fd: number | undefined;
  /** The files are ours to remove. */
  isOurs: () => boolean;
  free: () => void | Promise<void>;
}

const RETRY_MS = 50;
/** The winner of a race has not written its pid yet; a dead owner's helpers are about to go. */
const DEFAULT_WAIT_MS = 1_000;

/**
 * Makes this process the only one named `name` on `dir`. The kernel holds the lock (flock, or a socket where there is
 * no flock(1)), so that a stale file, a pid that was given away again and a SIGKILL do no harm.
 *
 *   free ──locked──▶ ours: pid file written ──release()──▶ files removed, free
 *     └── held: owner alive ──▶ InstanceRunningError      owner dead or not known yet ──▶ again, for `waitMs`
 *
 * @throws InstanceRunningError, RunFolderUnusable, or the cause when `ctx` ends
 */
export async function acquireInstance(options: InstanceOptions): Promise<InstanceLock> {
  const { dir, name, runId, waitMs = DEFAULT_WAIT_MS, ctx = Ctx.root('instance'), clock = systemClock, env = process.env } = options;
  const pidFile = join(dir, `${name}.pid`);
  const lockPath = join(dir, `${name}.lock`);
  const startedMs = clock.monotonicMs();
  for (;;) {
    const held = await tryLock(dir, lockPath, findExecutable('flock', env['PATH'] ?? ''));
    if (held !== null) return keep(held, { dir, pidFile, lockFile: lockPath }, runId, clock.now());
    ctx.throwIfCancelled();
    const owner = (await readPidFile(pidFile)) ?? (await readPidFile(lockPath));
    const alive = owner !== null && (await ownerIsAlive(owner));
    if (alive || clock.monotonicMs() - startedMs > waitMs) throw new InstanceRunningError(dir, name, owner, alive);
    await delay(clock, RETRY_MS);
  }
}

async function tryLock(dir: string, path: string, flock: string | null): Promise<Held | null> {
  try {
    mkdirSync(dir, { recursive: true });
    if (flock === null) {
      const socket = await lockBySocket(path);
      return socket && { fd: undefined, isOurs: () => true, free: () => socket.close() };
    }
    const lock: FileLock | null = await lockFile(path, flock);
    return lock && { fd: lock.fd, isOurs: () => lock.isStillThere(), free: () => lock.release() };
  } catch (error) {
    throw new RunFolderUnusable(dir, error);
  }
}

async function keep({ fd, isOurs, free }: Held, { dir, pidFile, lockFile: lockPath }: { dir: string; pidFile: string; lockFile: string }, runId: string, now: Date): Promise<InstanceLock> {
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    try {
      // First: once the lock is free the file may be a successor's.
      if (isOurs()) removePidFile(pidFile);
    } finally {
      await free();
    }
  };
  const lock: InstanceLock = {
    fd,
    pidFile,
    lockFile: lockPath,
    release: () => {
      released ??= release();
      return released;
    },
  };
  try {
    const owner = await describeOwner(runId, now);
    if (fd !== undefined) writeOwner(fd, owner);
    await writePidFile(pidFile, owner);
    return lock;
  } catch (error) {
    await lock.release().catch(() => {});
    throw new RunFolderUnusable(dir, error);
  }
}

/** The lock file says it too, for the refusal when somebody removed the pid file. */
function writeOwner(fd: number, owner: PidFile): void {
  ftruncateSync(fd, 0);
  writeSync(fd, formatPidFile(owner), 0);
}
