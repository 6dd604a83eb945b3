import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { isMainThread } from 'node:worker_threads';
import { Shutdown } from '../causes.ts';
import { type Clock, systemClock, waitAtMost } from '../clock.ts';
import type { Ctx } from '../ctx.ts';
import type { Logger } from '../log.ts';
import { type DeathSignal, findExecutable, hasSetpriv, wrapCommand } from './command.ts';
import { type Exit, SpawnRefused } from './exit.ts';
import type { Guardian } from './guardian.ts';
import { Proc, type ProcState } from './proc.ts';
import { type ProcInfo, ProcInspector, type ProcKind } from './proc-info.ts';
import { hostProcesses } from './proc-stat.ts';
import type { ResourceLimits } from './resource-limits.ts';
import { type RunMark, RUN_MARK, runMarkValue } from './sweep.ts';

export interface SpawnOptions {
  /** For logs and errors. */
  name: string;
  /** What it is for; decides what goes first when memory is short. Default `tool`. */
  kind?: ProcKind | undefined;
  /** What it works for, such as `job <id>/<epoch>`. */
  owner?: string | undefined;
  /** The file it works on, as people know it. */
  file?: string | undefined;
  limits?: ResourceLimits | undefined;
  argv0: string;
  args: readonly string[];
  /** Added to a small safe base (PATH, HOME, LANG, TMPDIR, …): a child never inherits this process's secrets. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  cwd?: string | undefined;
  /** Default `ignore`. */
  stdin?: 'pipe' | 'ignore' | undefined;
  /** Default `ignore`; with `onStdoutLine` it is a pipe that the supervisor drains. */
  stdout?: 'pipe' | 'ignore' | 'inherit' | undefined;
  /** Default `tail`: drained, the last 64 KB are kept. */
  stderr?: 'tail' | 'ignore' | 'inherit' | undefined;
  /** Pipes from file descriptor 3 on. */
  extraPipes?: number | undefined;
  /** A channel for `process.send` of a Node child. */
  ipc?: boolean | undefined;
  /** `own`: a new process group, signalled as a whole. `inherit`: stays in ours, only the process is signalled. */
  group: 'own' | 'inherit';
  /** Between TERM and KILL. Default 5 s. */
  graceMs?: number | undefined;
  /** No `touch()` for so long ends it with `stalled`. */
  stallMs?: number | undefined;
  /** Longest life; ends it with `timeLimit`. */
  limitMs?: number | undefined;
  /** Asked by the stall watchdog: is it us who do not read? */
  isBackpressured?: (() => boolean) | undefined;
  /** 1000: the first to go when memory is short. */
  oomScoreAdj?: number | undefined;
  /** What the child gets when this process dies. Default KILL. */
  deathSignal?: DeathSignal | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  onStdoutLine?: ((line: string) => void) | undefined;
  onStderrLine?: ((line: string) => void) | undefined;
}

export interface SupervisorOptions {
  logger: Logger;
  clock?: Clock | undefined;
  guardian?: Pick<Guardian, 'add' | 'remove'> | undefined;
  /** Marks every child, so that `sweepOrphans` of a later run finds what this one left. */
  run?: RunMark | undefined;
  /** The environment that the safe base is taken from. */
  env: Readonly<Record<string, string | undefined>>;
}

export interface SupervisorStats {
  alive: number;
  byState: Record<ProcState, number>;
  spawned: number;
  forcedKills: number;
  unkillable: number;
}

const DEFAULT_GRACE_MS = 5_000;
const EXIT_MARGIN_MS = 2_000;
const SAFE_ENV = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TMP|TEMP|LD_LIBRARY_PATH|XDG_\w+|CUDA_\w+|NVIDIA_\w+|LIBVA_\w+|FONTCONFIG_\w+|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS)$/;

/** Owns every child of this process: nothing else starts one. Use it from the main thread (the kernel ties the death signal to the thread). */
export class Supervisor {
  readonly #procs = new Set<Proc>();
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #baseEnv: Record<string, string>;
  readonly #inspector = new ProcInspector(hostProcesses);
  #draining: Error | undefined;
  #spawned = 0;
  #forcedKills = 0;
  #unkillable = 0;

  constructor(options: SupervisorOptions) {
    if (!isMainThread) throw new TypeError('a Supervisor belongs to the main thread');
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#baseEnv = safeEnv(options.env);
    if (options.run) this.#baseEnv[RUN_MARK] = runMarkValue(options.run);
    if (!hasSetpriv() && !options.guardian) options.logger.warn('children may outlive this process: no setpriv and no guardian');
  }

  /** Starts a child that ends with `ctx`. A program that cannot be started shows in `exit`. @throws SpawnRefused */
  spawn(ctx: Ctx, options: SpawnOptions): Proc {
    const refusal = this.#draining ?? ctx.cause;
    if (refusal) throw new SpawnRefused(options.name, refusal);
    const child = this.#launch(options);
    // Only this thread reaps, so the pid is still the child's own, be it a zombie.
    const startTicks = child.pid === undefined ? null : (hostProcesses.stat(child.pid)?.startTicks ?? null);
    const proc = new Proc(
      child,
      { ...options, startTicks, limits: undefined, graceMs: options.graceMs ?? DEFAULT_GRACE_MS },
      { clock: this.#clock, logger: this.#options.logger, onExited: (ended) => this.#onExited(ended), onUnkillable: () => (this.#unkillable += 1) },
    );
    this.#spawned += 1;
    this.#procs.add(proc);
    if (proc.pgid > 1) this.#options.guardian?.add(proc.pgid);
    const takeBack = ctx.onCancel((cause) => void proc.terminate(cause));
    void proc.exit.then(takeBack);
    return proc;
  }

  /** Children that have not exited. */
  get alive(): readonly Proc[] {
    return [...this.#procs];
  }

  stats(): SupervisorStats {
    const byState: Record<ProcState, number> = { running: 0, terminating: 0, killing: 0, exited: 0, reaped: 0 };
    for (const proc of this.#procs) byState[proc.state] += 1;
    return { alive: this.#procs.size, byState, spawned: this.#spawned, forcedKills: this.#forcedKills, unkillable: this.#unkillable };
  }

  /** Every child with the processes of its group, and what they use. */
  inspect(): Promise<ProcInfo[]> {
    return this.#inspector.inspect(this.#procs, () => this.#clock.monotonicMs());
  }

  /** Ends the child with this id of `inspect()`: TERM, and KILL after its grace. Null when it is gone: a later process with the same pid has another id. */
  end(id: string, cause: Error): Promise<Exit> | null {
    const proc = [...this.#procs].find((candidate) => candidate.id === id && candidate.alive);
    return proc ? proc.terminate(cause) : null;
  }

  /** From now on every spawn is refused. */
  drain(cause: Error): void {
    this.#draining ??= cause;
  }

  /** Drains and ends all children in parallel. Resolves when all are gone, or 2 s after the KILL at the latest. */
  async terminateAll(cause: Error, graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.drain(cause);
    const exits = Promise.all([...this.#procs].map((proc) => proc.terminate(cause, graceMs)));
    await waitAtMost(this.#clock, graceMs + EXIT_MARGIN_MS, exits);
  }

  /** KILLs every child now, without waiting; the last resort before this process ends. */
  killAll(): void {
    const cause = this.#draining ?? new Shutdown('at once');
    this.drain(cause);
    for (const proc of this.#procs) proc.killNow(cause);
  }

  #onExited(proc: Proc): void {
    this.#procs.delete(proc);
    if (proc.forced) this.#forcedKills += 1;
    if (proc.pgid > 1) this.#options.guardian?.remove(proc.pgid);
  }

  #launch(options: SpawnOptions): ChildProcess {
    const env = { ...this.#baseEnv, ...options.env };
    const spawnOptions = { env, stdio: stdioOf(options), detached: options.group === 'own', ...(options.cwd === undefined ? {} : { cwd: options.cwd }) };
    const argv0 = findExecutable(options.argv0, env.PATH ?? '');
    // Started bare, a missing program reports ENOENT; behind the wrapper it would be an exit code.
    if (argv0 === null) return spawn(options.argv0, [...options.args], spawnOptions);
    const { file, args, ...identity } = wrapCommand({ ...options, argv0, deathSignal: options.deathSignal ?? 'KILL' }, process.pid, hasSetpriv());
    return spawn(file, args, { ...spawnOptions, ...identity });
  }
}

function safeEnv(env: SupervisorOptions['env']): Record<string, string> {
  const safe: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && (SAFE_ENV.test(name) || name === RUN_MARK)) safe[name] = value;
  return safe;
}

function stdioOf(options: SpawnOptions): StdioOptions {
  const stdout = options.onStdoutLine ? 'pipe' : (options.stdout ?? 'ignore');
  const stderr = options.stderr === undefined || options.stderr === 'tail' ? 'pipe' : options.stderr;
  const extra = Array.from({ length: options.extraPipes ?? 0 }, () => 'pipe' as const);
  return [options.stdin ?? 'ignore', stdout, stderr, ...extra, ...(options.ipc ? ['ipc' as const] : [])];
}
