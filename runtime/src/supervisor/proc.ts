import type { ChildProcess } from 'node:child_process';
import { type Duplex, PassThrough, type Readable, type Writable } from 'node:stream';
import { TimedOut, Watchdog } from '../causes.ts';
import type { Clock } from '../clock.ts';
import { errorCode, ReelayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type Exit, SpawnFailed } from './exit.ts';
import { LineSplitter } from './line-splitter.ts';
import type { ProcKind } from './proc-info.ts';
import { type AppliedLimits, NO_LIMITS } from './resource-limits.ts';
import { TailBuffer } from './tail-buffer.ts';
import { ProcessWatchdog } from './watchdog.ts';

export type ProcState = 'running' | 'terminating' | 'killing' | 'exited' | 'reaped';

export interface ProcOptions {
  name: string;
  argv0: string;
  group: 'own' | 'inherit';
  graceMs: number;
  stallMs?: number | undefined;
  limitMs?: number | undefined;
  isBackpressured?: (() => boolean) | undefined;
  onStdoutLine?: ((line: string) => void) | undefined;
  onStderrLine?: ((line: string) => void) | undefined;
  kind?: ProcKind | undefined;
  owner?: string | undefined;
  file?: string | undefined;
  /** Start time in clock ticks since boot; null where there is no /proc. */
  startTicks?: string | null | undefined;
  limits?: AppliedLimits | undefined;
}

/** What a child works for; a warm process learns it only when its work comes. */
export interface Assignment {
  kind?: ProcKind | undefined;
  owner?: string | null | undefined;
  file?: string | null | undefined;
}

export interface ProcHooks {
  clock: Clock;
  logger: Logger;
  onExited: (proc: Proc) => void;
  onUnkillable: (proc: Proc) => void;
}

const STDERR_TAIL_BYTES = 64 * 1024;
/** How long after the exit we wait for the last bytes of stderr; a grandchild may hold the pipe open. */
const LAST_OUTPUT_MS = 250;
const UNKILLABLE_MS = 5_000;
/** What the log line says when nobody of us ended it. */
const CAUSES_UNASKED: Readonly<Record<string, string>> = { code: 'exited', signal: 'killed_by_others', spawnError: 'not_started' };

function emptyStream(): PassThrough {
  const stream = new PassThrough();
  stream.destroy();
  return stream;
}

function ignoreErrors(stream: Readable | Writable): void {
  // EPIPE and ECONNRESET are how the end of the other side looks; the exit says what happened.
  stream.on('error', () => {});
}

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
  readonly #tail = new TailBuffer(STDERR_TAIL_BYTES);
  readonly #watchdog: ProcessWatchdog;
  readonly #drained: Promise<unknown>[] = [];
  #kind: ProcKind;
  #owner: string | null;
  #file: string | null;
  #limits: AppliedLimits;
  #state: ProcState = 'running';
  #frozen = false;
  #cause: Error | undefined;
  #verdict: 'stalled' | 'timeLimit' | undefined;
  #terminatedMs = 0;
  #forced = false;
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
    this.#watchdog = new ProcessWatchdog({
      clock: hooks.clock,
      stallMs: options.stallMs,
      limitMs: options.limitMs,
      isBackpressured: options.isBackpressured,
      onStall: (stallMs) => this.#expire('stalled', new Watchdog(this.name, stallMs)),
      onLimit: (limitMs) => this.#expire('timeLimit', new TimedOut(this.name, limitMs)),
    });
    this.#attach();
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

  /** Says what it works for from now on. What is left out stays. */
  assign({ kind, owner, file }: Assignment): void {
    if (kind !== undefined) this.#kind = kind;
    if (owner !== undefined) this.#owner = owner;
    if (file !== undefined) this.#file = file;
  }

  get state(): ProcState {
    return this.#state;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get alive(): boolean {
    return this.#state === 'running' || this.#state === 'terminating' || this.#state === 'killing';
  }

  /** True when it had to be killed because it ignored TERM. */
  get forced(): boolean {
    return this.#forced;
  }

  /** Asked for with `stdin: 'pipe'`; else an already closed stream. */
  get stdin(): Writable {
    return this.#child.stdin ?? emptyStream();
  }

  /** Asked for with `stdout: 'pipe'`; else an already closed stream. */
  get stdout(): Readable {
    return this.#child.stdout ?? emptyStream();
  }

  /** The extra pipes: file descriptor 3 of the child is the first. */
  get pipes(): readonly Duplex[] {
    const extra: unknown[] = (this.#child.stdio ?? []).slice(3);
    return extra.filter((stream): stream is Duplex => stream !== null && typeof stream === 'object' && 'pipe' in stream);
  }

  /** The last 64 KB of stderr. */
  stderrTail(): string {
    return this.#tail.toString();
  }

  /** Feeds the stall watchdog. */
  touch(): void {
    this.#watchdog.touch();
  }

  /** Stops the group in its tracks; watchdog and time limit stand still. False when it is ending already. */
  freeze(): boolean {
    if (this.#state !== 'running') return false;
    if (!this.#frozen) {
      this.#frozen = true;
      this.#watchdog.hold();
      this.#signal('SIGSTOP');
    }
    return true;
  }

  /** Lets a frozen group run on. */
  thaw(): boolean {
    if (this.#state !== 'running') return false;
    if (this.#frozen) {
      this.#frozen = false;
      this.#signal('SIGCONT');
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
    this.#signal('SIGTERM');
    this.#signal('SIGCONT');
    this.#closePipes();
    this.#callOffKill = this.#hooks.clock.after(graceMs, () => this.#kill());
    return this.exit;
  }

  /** KILL at once, without grace and without waiting. */
  killNow(cause: Error): void {
    if (!this.alive) return;
    if (this.#state === 'running') this.#terminatedMs = this.#hooks.clock.monotonicMs();
    this.#cause ??= cause;
    this.#watchdog.stop();
    this.#callOffKill?.();
    if (this.#state !== 'killing') this.#kill();
    else this.#signal('SIGKILL');
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

  #attach(): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr, ...this.pipes]) if (stream) ignoreErrors(stream);
    if (stderr) this.#drain(stderr, this.#options.onStderrLine, (chunk) => this.#tail.push(chunk));
    if (stdout && this.#options.onStdoutLine) this.#drain(stdout, this.#options.onStdoutLine);
    this.#child.once('error', (error) => {
      if (this.#child.pid === undefined) this.#ended({ kind: 'spawnError', error: new SpawnFailed(this.name, this.#options.argv0, error) });
    });
    this.#child.once('exit', (code, signal) => {
      this.#ended(signal === null ? { kind: 'code', code: code ?? -1 } : { kind: 'signal', signal });
    });
  }

  #drain(stream: Readable, onLine: ((line: string) => void) | undefined, onChunk: (chunk: Buffer) => void = () => {}): void {
    const lines = onLine ? new LineSplitter(onLine) : undefined;
    stream.on('data', (chunk: Buffer) => {
      onChunk(chunk);
      lines?.push(chunk);
    });
    this.#drained.push(
      new Promise<void>((resolve) => {
        stream.once('close', () => {
          lines?.end();
          resolve();
        });
      }),
    );
  }

  /** Leaves open what we drain ourselves: it cannot be full, and the child may have last words. */
  #closePipes(): void {
    this.#child.stdin?.destroy();
    if (!this.#options.onStdoutLine) this.#child.stdout?.destroy();
    for (const pipe of this.pipes) pipe.destroy();
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
    this.#signal('SIGKILL');
    this.#callOffKill = this.#hooks.clock.after(UNKILLABLE_MS, () => {
      this.#hooks.logger.error({ proc: this.name, pid: this.pid }, 'child survives SIGKILL');
      this.#hooks.onUnkillable(this);
    });
  }

  /** ESRCH is success: it is gone. */
  #signal(signal: NodeJS.Signals): void {
    if (this.pid <= 1) return;
    try {
      process.kill(this.#options.group === 'own' ? -this.pid : this.pid, signal);
    } catch (error) {
      if (errorCode(error) !== 'ESRCH') this.#hooks.logger.warn({ err: error, proc: this.name, pid: this.pid, signal }, 'signal not delivered');
    }
  }

  #ended(how: Exit): void {
    if (!this.alive) return;
    if (this.#state === 'running') this.#terminatedMs = this.#hooks.clock.monotonicMs();
    this.#state = 'exited';
    this.#watchdog.stop();
    this.#callOffKill?.();
    if (this.#options.group === 'own') this.#signal('SIGKILL');
    this.#hooks.onExited(this);
    const exit: Exit = this.#verdict ? { kind: this.#verdict } : how;
    if (this.#cause) exit.cause = this.#cause;
    this.#logEnd(how);
    this.#finish(exit);
  }

  #finish(exit: Exit): void {
    const reap = () => {
      callOff();
      if (this.#state === 'reaped') return;
      this.#state = 'reaped';
      this.#child.stderr?.destroy();
      if (this.#options.onStdoutLine) this.#child.stdout?.destroy();
      this.#child.stdin?.destroy();
      this.#resolveExit(exit);
    };
    const callOff = this.#hooks.clock.after(LAST_OUTPUT_MS, reap);
    void Promise.all(this.#drained).then(() => reap());
  }

  /** Each end is told once. What ended by itself is its starter's to judge, so it says so quietly; a signal was somebody else's. */
  #logEnd(how: Exit): void {
    const cause = this.#cause;
    const level = cause !== undefined || how.kind === 'signal' ? 'info' : 'debug';
    this.#hooks.logger[level](
      {
        proc: this.name,
        pid: this.pid,
        cause: cause === undefined ? CAUSES_UNASKED[how.kind] : cause instanceof ReelayError ? cause.code : cause.name,
        reason: cause?.message,
        tookMs: Math.round(this.#hooks.clock.monotonicMs() - this.#terminatedMs),
        livedMs: Math.round(this.#terminatedMs - this.startedMs),
        forced: this.#forced,
        exit: how.kind === 'code' ? how.code : how.kind === 'signal' ? how.signal : how.kind,
      },
      cause === undefined ? 'child ended' : 'child terminated',
    );
  }
}
