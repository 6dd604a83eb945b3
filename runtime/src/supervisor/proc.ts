import type { ChildProcess } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { MemoryPressure, TimedOut, Watchdog } from '../causes.ts';
import type { Clock } from '../clock.ts';
import { ReelayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ChildCgroup } from './cgroup/child-cgroup.ts';
import { type Exit, SpawnFailed } from './exit.ts';
import { applyNice, hasten } from './nice.ts';
import { type PipeOptions, ProcPipes } from './proc-pipes.ts';
import type { ProcKind } from './proc-info.ts';
import { type AppliedLimits, NO_LIMITS } from './resource-limits.ts';
import { SignalTarget } from './signal-target.ts';
import { ProcessWatchdog } from './watchdog.ts';

export type ProcState = 'running' | 'terminating' | 'killing' | 'exited' | 'reaped';

export interface ProcOptions extends PipeOptions {
  name: string;
  argv0: string;
  group: 'own' | 'inherit';
  graceMs: number;
  stallMs?: number | undefined;
  limitMs?: number | undefined;
  isBackpressured?: (() => boolean) | undefined;
  kind?: ProcKind | undefined;
  owner?: string | undefined;
  file?: string | undefined;
  /** Start time in clock ticks since boot; null where there is no /proc. */
  startTicks?: string | null | undefined;
  limits?: AppliedLimits | undefined;
  cgroup?: ChildCgroup | null | undefined;
}

/** What a child works for; a warm process learns it only when its work comes. */
export interface Assignment {
  kind?: ProcKind | undefined;
  owner?: string | null | undefined;
  file?: string | null | undefined;
  /** Resident memory of its group in MiB, from now on. */
  memoryMb?: number | undefined;
}

export interface ProcHooks {
  clock: Clock;
  logger: Logger;
  /** Ends what left the group; awaited before the exit is told. */
  onExited: (proc: Proc) => Promise<void> | undefined;
  onUnkillable: (proc: Proc) => void;
}

/** How long after the exit we wait for the last bytes of stderr and for left-overs; a grandchild may hold the pipe open. */
const LAST_OUTPUT_MS = 250;
const UNKILLABLE_MS = 5_000;
const BYTES_PER_MIB = 1_048_576;
/** What the log line says when nobody of us ended it. */
const CAUSES_UNASKED: Readonly<Record<string, string>> = { code: 'exited', signal: 'killed_by_others', spawnError: 'not_started' };

/**
 * One child process.
 *
 *   running ──terminate()──▶ terminating ──grace over──▶ killing ──exit──▶ exited ──last output──▶ reaped
 *      │                          └───────exit──────────────────────────────▲
 *      └──────────exit──────────────────────────────────────────────────────┘
 *
 * `frozen` is a flag within running. Terminating sends TERM and CONT (a stopped process ignores TERM alone) and
 * closes the pipes (ffmpeg blocked on a full stdout ignores TERM for ever, measured). After the exit the group
 * gets KILL once more, for grandchildren.
 */
export class Proc {
  readonly name: string;
  readonly startedMs: number;
  /** Start time in clock ticks since boot: with the pid it names one process for ever. Null where there is no /proc. */
  readonly startTicks: string | null;
  /** Resolves once, with how it ended; never rejects. */
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #options: ProcOptions;
  readonly #hooks: ProcHooks;
  readonly #pipes: ProcPipes;
  readonly #target: SignalTarget;
  readonly #watchdog: ProcessWatchdog;
  #kind: ProcKind;
  #owner: string | null;
  #file: string | null;
  #limits: AppliedLimits;
  #state: ProcState = 'running';
  #frozen = false;
  #cause: Error | undefined;
  #verdict: 'stalled' | 'timeLimit' | undefined;
  #terminatedMs: number | undefined;
  #forced = false;
  #stuck = false;
  #callOffKill: (() => void) | undefined;
  #resolveExit: (exit: Exit) => void = () => {};

  constructor(child: ChildProcess, options: ProcOptions, hooks: ProcHooks) {
    this.#child = child;
    this.#options = options;
    this.#hooks = hooks;
    this.name = options.name;
    this.startedMs = hooks.clock.monotonicMs();
    this.startTicks = options.startTicks ?? null;
    this.#kind = options.kind ?? 'tool';
    this.#owner = options.owner ?? null;
    this.#file = options.file ?? null;
    this.#limits = options.limits ?? NO_LIMITS;
    this.exit = new Promise((resolve) => {
      this.#resolveExit = resolve;
    });
    this.#pipes = new ProcPipes(child, options);
    this.#target = new SignalTarget({ pid: this.pid, group: options.group === 'own', startTicks: this.startTicks }, hooks.logger.child({ proc: this.name }));
    this.#watchdog = new ProcessWatchdog({
      clock: hooks.clock,
      stallMs: options.stallMs,
      limitMs: options.limitMs,
      isBackpressured: options.isBackpressured,
      onStall: (stallMs) => this.#expire('stalled', new Watchdog(this.name, stallMs)),
      onLimit: (limitMs) => this.#expire('timeLimit', new TimedOut(this.name, limitMs)),
    });
    this.#listen();
  }

  /** -1 when the program could not be started. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The process group that signals go to; -1 for `inherit`, where only the process itself is signalled. */
  get pgid(): number {
    return this.#options.group === 'own' ? this.pid : -1;
  }

  /** `<pid>-<start time>`: a later process with the same pid has another one. */
  get id(): string {
    return `${this.pid}-${this.startTicks ?? Math.round(this.startedMs)}`;
  }

  get kind(): ProcKind {
    return this.#kind;
  }

  get owner(): string | null {
    return this.#owner;
  }

  get file(): string | null {
    return this.#file;
  }

  /** What was applied of the limits asked for. */
  get limits(): AppliedLimits {
    return this.#limits;
  }

  get state(): ProcState {
    return this.#state;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Why it was ended, once it is. */
  get cause(): Error | undefined {
    return this.#cause;
  }

  get alive(): boolean {
    return this.#state === 'running' || this.#state === 'terminating' || this.#state === 'killing';
  }

  /** True when it had to be killed because it ignored TERM. */
  get forced(): boolean {
    return this.#forced;
  }

  /** True while it survives SIGKILL: in an uninterruptible wait, as on a dead network disk. */
  get stuck(): boolean {
    return this.#stuck && this.alive;
  }

  /** Asked for with `stdin: 'pipe'`; else an already closed stream. */
  get stdin(): Writable {
    return this.#pipes.stdin;
  }

  /** Asked for with `stdout: 'pipe'`; else an already closed stream. */
  get stdout(): Readable {
    return this.#pipes.stdout;
  }

  /** The extra pipes: file descriptor 3 of the child is the first. */
  get pipes(): readonly Duplex[] {
    return this.#pipes.extra;
  }

  /** The last 64 KB of stderr. */
  stderrTail(): string {
    return this.#pipes.stderrTail();
  }

  /** Feeds the stall watchdog. */
  touch(): void {
    this.#watchdog.touch();
  }

  /** Says what it works for from now on. What is left out stays. */
  assign({ kind, owner, file, memoryMb }: Assignment): void {
    if (kind !== undefined) this.#kind = kind;
    if (owner !== undefined) this.#owner = owner;
    if (file !== undefined) this.#file = file;
    if (memoryMb === undefined) return;
    const memoryBy = this.#options.cgroup?.limitMemory(memoryMb) === true ? 'cgroup' : 'monitor';
    this.#limits = { ...this.#limits, memoryMb, memoryBy };
  }

  /** From now on others go before it, as far as `nice` says (0 to 19). It cannot be taken back. */
  standBack(nice: number): void {
    if (this.#state === 'running' && this.pid > 0) this.#limits = { ...this.#limits, nice: applyNice(this.pid, nice) ?? this.#limits.nice };
  }

  /** Stops the group in its tracks; watchdog and time limit stand still. False when it is ending already. */
  freeze(): boolean {
    if (this.#state !== 'running') return false;
    if (!this.#frozen) {
      this.#frozen = true;
      this.#watchdog.hold();
      this.#target.send('SIGSTOP');
    }
    return true;
  }

  /** Lets a frozen group run on. */
  thaw(): boolean {
    if (this.#state !== 'running') return false;
    if (this.#frozen) {
      this.#frozen = false;
      this.#target.send('SIGCONT');
      this.#watchdog.release();
      this.#watchdog.touch();
    }
    return true;
  }

  /** Ends it: TERM now, KILL after the grace. The first cause wins. Resolves with the exit. */
  terminate(cause: Error, graceMs = this.#options.graceMs): Promise<Exit> {
    if (this.#state !== 'running') return this.exit;
    this.#state = 'terminating';
    this.#frozen = false;
    this.#cause = cause;
    this.#terminatedMs = this.#hooks.clock.monotonicMs();
    this.#watchdog.stop();
    this.#target.send('SIGTERM');
    this.#target.send('SIGCONT');
    this.#pipes.close();
    this.#callOffKill = this.#hooks.clock.after(graceMs, () => this.#kill());
    return this.exit;
  }

  /** KILL at once, without grace and without waiting. */
  killNow(cause: Error): void {
    if (!this.alive) return;
    this.#terminatedMs ??= this.#hooks.clock.monotonicMs();
    this.#cause ??= cause;
    this.#watchdog.stop();
    this.#callOffKill?.();
    this.#kill();
  }

  /** Sends one other signal, such as HUP, to the process itself. False when it is gone. */
  signal(signal: 'SIGHUP' | 'SIGINT' | 'SIGUSR1' | 'SIGUSR2'): boolean {
    return this.alive && this.#child.kill(signal);
  }

  /** Sends a message to a Node child started with `ipc`. False when the channel is closed. */
  send(message: object): boolean {
    if (!this.#child.connected) return false;
    this.#child.send(message, () => {});
    return true;
  }

  /** Messages of a Node child started with `ipc`. */
  onMessage(fn: (message: unknown) => void): void {
    this.#child.on('message', fn);
  }

  #listen(): void {
    this.#child.once('error', (error) => {
      if (this.#child.pid === undefined) this.#ended({ kind: 'spawnError', error: new SpawnFailed(this.name, this.#options.argv0, error) });
    });
    this.#child.once('exit', (code, signal) => {
      this.#ended(signal === null ? { kind: 'code', code: code ?? -1 } : { kind: 'signal', signal });
    });
  }

  #expire(verdict: 'stalled' | 'timeLimit', cause: Error): void {
    if (this.#state !== 'running') return;
    this.#verdict = verdict;
    void this.terminate(cause);
  }

  #kill(): void {
    if (!this.alive) return;
    this.#state = 'killing';
    this.#forced = true;
    this.#target.send('SIGKILL');
    this.#options.cgroup?.kill();
    if (this.#limits.nice !== null) hasten(this.pid);
    this.#callOffKill = this.#hooks.clock.after(UNKILLABLE_MS, () => {
      this.#stuck = true;
      this.#hooks.logger.error({ ...this.#facts(), ...causeOf(this.#cause) }, 'child survives SIGKILL');
      this.#hooks.onUnkillable(this);
    });
  }

  #ended(how: Exit): void {
    if (!this.alive) return;
    this.#cause ??= this.#killedByKernel(how);
    this.#state = 'exited';
    this.#watchdog.stop();
    this.#callOffKill?.();
    this.#target.endGroup();
    this.#options.cgroup?.remove();
    const strays = this.#hooks.onExited(this);
    const exit: Exit = this.#verdict ? { kind: this.#verdict } : how;
    if (this.#cause) exit.cause = this.#cause;
    this.#logEnd(how);
    this.#finish(exit, strays);
  }

  /** The kernel keeps the memory limit of a cgroup by SIGKILL, without a word to us. */
  #killedByKernel(how: Exit): Error | undefined {
    const { memoryMb } = this.#limits;
    if (how.kind !== 'signal' || this.#state !== 'running' || memoryMb === null || this.#options.cgroup?.oomKilled() !== true) return undefined;
    return new MemoryPressure({ limitBytes: memoryMb * BYTES_PER_MIB });
  }

  #finish(exit: Exit, strays: Promise<void> | undefined): void {
    const reap = () => {
      callOff();
      if (this.#state === 'reaped') return;
      this.#state = 'reaped';
      this.#pipes.closeAfterExit(this.#hooks.clock);
      this.#resolveExit(exit);
    };
    const callOff = this.#hooks.clock.after(LAST_OUTPUT_MS, reap);
    void Promise.all([this.#pipes.drained, strays]).then(reap);
  }

  #facts(): object {
    return { proc: this.name, pid: this.pid, kind: this.#kind, ...(this.#owner === null ? {} : { owner: this.#owner }), ...(this.#file === null ? {} : { file: this.#file }) };
  }

  /** Each end is told once. What ended by itself is its starter's to judge, so it says so quietly; a signal was somebody else's. */
  #logEnd(how: Exit): void {
    const nowMs = this.#hooks.clock.monotonicMs();
    const endedMs = this.#terminatedMs ?? nowMs;
    const level = this.#cause !== undefined || how.kind === 'signal' ? 'info' : 'debug';
    this.#hooks.logger[level](
      {
        ...this.#facts(),
        ...(this.#cause === undefined ? { cause: CAUSES_UNASKED[how.kind] } : causeOf(this.#cause)),
        tookMs: Math.round(nowMs - endedMs),
        livedMs: Math.round(endedMs - this.startedMs),
        forced: this.#forced,
        exit: how.kind === 'code' ? how.code : how.kind === 'signal' ? how.signal : how.kind,
      },
      this.#cause === undefined ? 'child ended' : 'child terminated',
    );
  }
}

function causeOf(cause: Error | undefined): object {
  return cause === undefined ? {} : { cause: cause instanceof ReelayError ? cause.code : cause.name, reason: cause.message };
}
