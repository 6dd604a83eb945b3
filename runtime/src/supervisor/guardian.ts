import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Clock } from '../clock.ts';
import type { Ctx } from '../ctx.ts';
import { ReelayError } from '../errors.ts';
import { GUARDIAN_SCRIPT } from './guardian-script.ts';
import { acquireInstance, type InstanceLock } from './instance-lock.ts';
import { markPrefix, PROC_MARK } from './proc-mark.ts';

/** The helper could not be started. */
export class GuardianFailed extends ReelayError {
  readonly code = 'guardian_failed';
}

export interface GuardianOptions {
  /** The folder to lock; made when missing. */
  dir: string;
  /**
   * What the helper gives the groups between TERM and KILL when this process dies. Default 0, KILL at once: nobody is
   * left to use what they would still write, the kernel's own death signal gives nothing either, and on a busy host
   * every pause lasts longer than it should (50 ms became 500 at a load of 6, measured).
   */
  graceMs?: number | undefined;
  /** Names the lock and pid file, `reelay` by default. */
  name?: string | undefined;
  /** Id of this run, kept in the pid file. */
  runId?: string | undefined;
  /** Ends the waiting for a predecessor's helper. */
  ctx?: Ctx | undefined;
  clock?: Clock | undefined;
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The lock on a folder and the helper process that ends our children when we die. */
export interface Guardian {
  /** From now on the group ends with us. `startTicks` of its first process keeps the helper from a reused number. */
  add(pgid: number, startTicks?: string | null): void;
  remove(pgid: number): void;
  /** The same for a single process, which shares a group with others. */
  addProcess(pid: number, startTicks?: string | null): void;
  removeProcess(pid: number): void;
  /** Calls `fn` when all of this has reached the helper, mostly at once: from then on it holds, whatever becomes of us. */
  whenTold(fn: () => void): void;
  /** Resolves when the helper ended although we did not release it: our children would outlive us now, so stop. */
  readonly lost: Promise<void>;
  /** Ends the helper (and any group still registered) and frees the lock. Idempotent. */
  release(): Promise<void>;
}

const DEFAULT_GRACE_MS = 0;
const STEP_MS = 20;
/** Beyond the grace: what a killed predecessor's helper may take until it lets the lock go. */
const CLEAN_UP_MS = 3_000;
/** Where the helper keeps its copy of the lock's descriptor. */
const LOCK_FD = 9;

/** Starts the helper, which inherits the lock, and waits until it listens. */
function startHelper({ fd: lockFd, pidFile, lockFile }: InstanceLock, { dir, graceMs = DEFAULT_GRACE_MS, env = process.env }: GuardianOptions): Promise<ChildProcess> {
  const steps = String(Math.ceil(graceMs / STEP_MS));
  const inherited = lockFd === undefined ? [] : [...Array.from({ length: LOCK_FD - 3 }, () => 'ignore' as const), lockFd];
  const child = spawn('sh', ['-c', GUARDIAN_SCRIPT, 'reelay-guardian', steps, `${PROC_MARK}=${markPrefix()}`, ...(lockFd === undefined ? [] : [pidFile, lockFile])], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore', ...inherited],
    env: { PATH: env.PATH ?? process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.stdin?.on('error', () => {});
  if (child.pid !== undefined) favour(child.pid);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new GuardianFailed('the guardian process could not be started', { dir }, error)));
    child.once('exit', (code) => reject(new GuardianFailed(`the guardian process of ${dir} ended at once (exit ${code ?? 'by signal'})`, { dir, code })));
    child.stdout?.once('data', () => resolve(child));
  });
}

/** It has to act when the host is at its worst: before others, and not as the memory killer's choice. Needs rights we may not have. */
function favour(pid: number): void {
  for (const attempt of [
    () => setPriority(pid, -10),
    () => writeFileSync(`/proc/${pid}/autogroup`, '-10'),
    () => writeFileSync(`/proc/${pid}/oom_score_adj`, '-900'),
  ]) {
    try {
      attempt();
    } catch {
      // Then it is one among others.
    }
  }
}

class HelperGuardian implements Guardian {
  readonly lost: Promise<void>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #cleanUp: () => Promise<void>;
  readonly #targets = new Map<string, string>();
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

  add(pgid: number, startTicks?: string | null): void {
    this.#add(`g${pgid}`, startTicks);
  }

  remove(pgid: number): void {
    this.#remove(`g${pgid}`);
  }

  addProcess(pid: number, startTicks?: string | null): void {
    this.#add(`p${pid}`, startTicks);
  }

  removeProcess(pid: number): void {
    this.#remove(`p${pid}`);
  }

  /** A write to a pipe that is not full is over when it returns. */
  whenTold(fn: () => void): void {
    const { stdin } = this.#child;
    if (!stdin?.writable || stdin.writableLength === 0) fn();
    else stdin.write('', () => fn());
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  async #watch(): Promise<void> {
    await this.#exited;
    if (this.#releasing) await new Promise<never>(() => {});
  }

  #add(key: string, startTicks: string | null | undefined): void {
    const target = `${key}:${startTicks ?? ''}`;
    this.#targets.set(key, target);
    this.#tell(`+${target}\n`);
  }

  #remove(key: string): void {
    const target = this.#targets.get(key);
    if (target === undefined) return;
    this.#targets.delete(key);
    this.#tell(`-${target}\n`);
  }

  #tell(line: string): void {
    if (this.#child.stdin?.writable) this.#child.stdin.write(line);
  }

  async #release(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
    await this.#cleanUp();
  }
}

/**
 * Locks `dir` for this process and starts the helper, which holds a copy of the lock: it falls when both are gone, and
 * the helper first ends the children of a killed process. So a successor cannot overlap with them; it waits meanwhile.
 * Without flock(1) an abstract socket (Linux) or a loopback port (elsewhere) holds the lock, in this process alone.
 * @throws InstanceRunningError, RunFolderUnusable, GuardianFailed
 */
export async function acquireGuardian(options: GuardianOptions): Promise<Guardian> {
  const { dir, graceMs = DEFAULT_GRACE_MS, name = 'reelay', runId = '', ctx, clock, env } = options;
  const lock = await acquireInstance({ dir, name, runId, ctx, clock, env, waitMs: graceMs + CLEAN_UP_MS });
  try {
    return new HelperGuardian(await startHelper(lock, options), () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}
