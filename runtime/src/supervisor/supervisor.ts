import { isMainThread } from 'node:worker_threads';
import { Shutdown } from '../causes.ts';
import { type Clock, systemClock, waitAtMost } from '../clock.ts';
import type { Ctx } from '../ctx.ts';
import type { Logger } from '../log.ts';
import type { CgroupTree } from './cgroup/cgroup-tree.ts';
import { hasSetpriv } from './command.ts';
import { type Exit, SpawnRefused } from './exit.ts';
import type { Guardian } from './guardian.ts';
import { launch, type Launched } from './launch.ts';
import { Proc, type ProcState } from './proc.ts';
import { type ProcInfo, ProcInspector, type ProcKind } from './proc-info.ts';
import { hostProcesses } from './proc-stat.ts';
import type { SpawnOptions } from './spawn-options.ts';
import { StrayHunt } from './strays.ts';
import { type RunMark, RUN_MARK, runMarkValue } from './sweep.ts';

export interface SupervisorOptions {
  logger: Logger;
  clock?: Clock | undefined;
  guardian?: Omit<Guardian, 'lost' | 'release'> | undefined;
  /** Marks every child, so that a later run's sweep finds what this one left. */
  run?: RunMark | undefined;
  /** A delegated part of cgroup v2, where children get folders of their own. */
  cgroups?: CgroupTree | undefined;
  /** The environment that the safe base is taken from. */
  env: Readonly<Record<string, string | undefined>>;
}

export interface SupervisorStats {
  alive: number;
  byState: Record<ProcState, number>;
  byKind: Record<ProcKind, number>;
  spawned: number;
  forcedKills: number;
  /** Children that have survived SIGKILL for 5 s: ever, and now. */
  unkillable: number;
  stuck: number;
  /** Processes that had left their child's group, found and killed. */
  strays: number;
}

const DEFAULT_GRACE_MS = 5_000;
const EXIT_MARGIN_MS = 2_000;
const SAFE_ENV = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TMP|TEMP|LD_LIBRARY_PATH|XDG_\w+|CUDA_\w+|NVIDIA_\w+|LIBVA_\w+|FONTCONFIG_\w+|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS)$/;

/** Owns every child of this process: nothing else starts one. Use it from the main thread (the kernel ties the death signal to the thread). */
export class Supervisor {
  readonly #procs = new Map<string, Proc>();
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #baseEnv: Record<string, string>;
  readonly #inspector = new ProcInspector(hostProcesses);
  readonly #strays: StrayHunt;
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
    this.#strays = new StrayHunt(options.logger);
    if (!hasSetpriv() && !options.guardian) options.logger.warn('children may outlive this process: no setpriv and no guardian');
  }

  /** Starts a child that ends with `ctx`. A program that cannot be started shows in `exit`. @throws SpawnRefused */
  spawn(ctx: Ctx, options: SpawnOptions): Proc {
    const refusal = this.#draining ?? ctx.cause;
    if (refusal) throw new SpawnRefused(options.name, refusal);
    const { logger, cgroups, guardian } = this.#options;
    const launched = launch(options, { baseEnv: this.#baseEnv, cgroups, guarded: guardian !== undefined });
    const { child, startTicks, limits, cgroup, mark } = launched;
    const proc = new Proc(
      child,
      { ...options, startTicks, limits, cgroup, graceMs: options.graceMs ?? DEFAULT_GRACE_MS },
      { clock: this.#clock, logger, onExited: (ended) => this.#onExited(ended, mark), onUnkillable: () => (this.#unkillable += 1) },
    );
    this.#spawned += 1;
    this.#procs.set(mark, proc);
    this.#strays.began(mark);
    this.#guard(proc, launched);
    logger.debug({ proc: proc.name, pid: proc.pid, kind: proc.kind, owner: proc.owner, file: proc.file, limits }, 'child started');
    const takeBack = ctx.onCancel((cause) => void proc.terminate(cause));
    void proc.exit.then(takeBack);
    return proc;
  }

  /** Children that have not exited. */
  get alive(): readonly Proc[] {
    return [...this.#procs.values()];
  }

  stats(): SupervisorStats {
    const byState: Record<ProcState, number> = { running: 0, terminating: 0, killing: 0, exited: 0, reaped: 0 };
    const byKind: Record<ProcKind, number> = { service: 0, batch: 0, interactive: 0, tool: 0 };
    let stuck = 0;
    for (const proc of this.#procs.values()) {
      byState[proc.state] += 1;
      byKind[proc.kind] += 1;
      if (proc.stuck) stuck += 1;
    }
    return {
      alive: this.#procs.size, byState, byKind, spawned: this.#spawned, forcedKills: this.#forcedKills, unkillable: this.#unkillable, stuck, strays: this.#strays.killed,
    };
  }

  /** Every child with the processes of its group, and what they use. */
  inspect(): Promise<ProcInfo[]> {
    return this.#inspector.inspect(this.#procs.values(), () => this.#clock.monotonicMs());
  }

  /** Ends the child with this id of `inspect()`: TERM, and KILL after its grace or the one given. Null when it is gone: a later process with the same pid has another id. */
  end(id: string, cause: Error, graceMs?: number): Promise<Exit> | null {
    const proc = this.alive.find((candidate) => candidate.id === id && candidate.alive);
    return proc ? proc.terminate(cause, graceMs) : null;
  }

  /** Ends processes that left their group when their child has ended; the health monitor asks for it now and then. */
  endStrays(): Promise<void> {
    return this.#strays.run();
  }

  /** From now on every spawn is refused. */
  drain(cause: Error): void {
    this.#draining ??= cause;
  }

  /** Drains and ends all children in parallel. Resolves when all are gone, or 2 s after the KILL at the latest. */
  async terminateAll(cause: Error, graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.drain(cause);
    const exits = Promise.all(this.alive.map((proc) => proc.terminate(cause, graceMs))).then(() => this.#strays.run());
    await waitAtMost(this.#clock, graceMs + EXIT_MARGIN_MS, exits);
  }

  /** KILLs every child now, without waiting; the last resort before this process ends. */
  killAll(): void {
    const cause = this.#draining ?? new Shutdown('at once');
    this.drain(cause);
    for (const proc of this.alive) proc.killNow(cause);
  }

  /** First the guardian knows it, then it may run: so there is no moment at which our death would leave it behind. */
  #guard(proc: Proc, { open }: Launched): void {
    const { guardian } = this.#options;
    if (!guardian || proc.pid <= 1) {
      open();
      return;
    }
    if (proc.pgid > 1) guardian.add(proc.pgid, proc.startTicks);
    else guardian.addProcess(proc.pid, proc.startTicks);
    guardian.whenTold(open);
  }

  /** A tool is over in a moment and leaves nothing as a rule: for it the scan of all processes can wait. */
  #onExited(proc: Proc, mark: string): Promise<void> | undefined {
    this.#procs.delete(mark);
    this.#strays.ended(mark, proc);
    if (proc.forced) this.#forcedKills += 1;
    if (proc.pgid > 1) this.#options.guardian?.remove(proc.pgid);
    else if (proc.pid > 1) this.#options.guardian?.removeProcess(proc.pid);
    return proc.pgid > 1 && proc.kind !== 'tool' ? this.#strays.run() : undefined;
  }
}

function safeEnv(env: SupervisorOptions['env']): Record<string, string> {
  const safe: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && (SAFE_ENV.test(name) || name === RUN_MARK)) safe[name] = value;
  return safe;
}
