import {
  ChildCannotStart, type Clock, type Ctx, delay, EXIT_CODES, FINAL_EXIT_CODES, type Logger, parentMessageSchema, ReelayError, type Service, Shutdown, type StartFailure, systemClock, toError, waitAtMost,
} from '@reelay/runtime';
import type { Exit, Proc, SpawnOptions, Supervisor } from '@reelay/runtime/supervisor';

/** A program of the system ended before it was ready. */
class EndedWhileStarting extends ReelayError {
  readonly code = 'ended_while_starting';
  override readonly serviceExit = EXIT_CODES.unavailable;
  constructor(name: string, exit: Exit, lastWords: string) {
    super(`${name} ended while starting (${describeExit(exit)})${lastWords === '' ? '' : `: ${lastWords}`}`, { name });
  }
}

export interface ManagedProcessOptions {
  name: string;
  supervisor: Supervisor;
  logger: Logger;
  clock?: Clock | undefined;
  /** Asked anew before each start. */
  command: () => SpawnOptions | Promise<SpawnOptions>;
  /** Resolves when the program serves, or when it has ended. Called after each start. */
  untilReady: (proc: Proc) => Promise<void>;
  /** Sent before TERM: how the program is asked to stop. */
  stopSignal?: 'SIGINT' | undefined;
  /** From the request to stop until KILL. */
  stopMs: () => number;
}

/** Says more than what follows it, such as a stack. */
const ERROR_LINE = /cannot start|Error\b/;
/** Told by the launcher in its own words, and once. */
const REFUSAL = /^\S+: (cannot start|crashed): /;
const BACKOFF_MS = [250, 500, 1_000, 2_000, 5_000, 10_000];
/** Up for so long, it counts as well again. */
const STEADY_MS = 60_000;

/**
 * One long-lived program of the system.
 *
 *   idle ──start()──▶ starting ──ready──▶ running ──exit──▶ waiting ──backoff over──▶ starting …
 *                        │                   └──stop()──▶ stopping ──exit──▶ stopped
 *                        └──exit before settle()──▶ failedToStart             └──superseded, runs already──▶ stopped
 */
export class ManagedProcess implements Service {
  readonly name: string;
  readonly #options: ManagedProcessOptions;
  readonly #clock: Clock;
  /** Rejects when the program ends by itself before `settle()`; pending for ever otherwise. */
  readonly failedToStart: Promise<never>;
  #failStart: (error: Error) => void = () => {};
  #settled = false;
  #ctx: Ctx | undefined;
  #proc: Proc | undefined;
  #stopping: Promise<void> | undefined;
  #failures = 0;
  #lastLine = '';
  #failure: StartFailure | undefined;

  constructor(options: ManagedProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.failedToStart = new Promise((_resolve, reject) => {
      this.#failStart = reject;
    });
    this.failedToStart.catch(() => {});
  }

  /** The process that runs now, if any. */
  get proc(): Proc | undefined {
    return this.#proc?.alive ? this.#proc : undefined;
  }

  /** The system is ready: from now on an end is an accident, and the program is started again. */
  settle(): void {
    this.#settled = true;
  }

  /** @throws EndedWhileStarting, Shutdown, SpawnRefused */
  async start(ctx: Ctx): Promise<void> {
    this.#ctx = ctx;
    const proc = await this.#launch(ctx);
    await this.#ready(proc);
    this.#keepRunning(proc);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const proc = this.proc;
    if (proc === undefined) return;
    const { stopSignal } = this.#options;
    const stopMs = this.#options.stopMs();
    if (stopSignal !== undefined && proc.signal(stopSignal) && (await waitAtMost(this.#clock, stopMs, proc.exit))) return;
    await proc.terminate(new Shutdown('the system stops'), stopSignal === undefined ? stopMs : 0);
  }

  async #launch(ctx: Ctx): Promise<Proc> {
    const command = await this.#options.command();
    if (this.#stopping) throw new Shutdown('the system stops');
    this.#lastLine = '';
    this.#failure = undefined;
    const remember = (print: ((line: string) => void) | undefined) => (line: string) => {
      if (line.trim() !== '' && (ERROR_LINE.test(line) || !ERROR_LINE.test(this.#lastLine))) this.#lastLine = line.trim();
      if (!REFUSAL.test(line)) print?.(line);
    };
    const proc = this.#options.supervisor.spawn(ctx, { ...command, group: 'own', onStderrLine: remember(command.onStderrLine) });
    this.#proc = proc;
    if (command.ipc) {
      proc.onMessage((message) => {
        const parsed = parentMessageSchema.safeParse(message);
        if (parsed.success && parsed.data.failed !== undefined) this.#failure = { lines: parsed.data.failed, exitCode: parsed.data.exitCode };
      });
    }
    return proc;
  }

  #endedEarly(exit: Exit): Error {
    return this.#failure === undefined ? new EndedWhileStarting(this.name, exit, this.#lastLine) : new ChildCannotStart(this.name, this.#failure);
  }

  async #ready(proc: Proc): Promise<void> {
    const gone = proc.exit.then((exit) => {
      throw this.#endedEarly(exit);
    });
    gone.catch(() => {});
    await Promise.race([this.#options.untilReady(proc), gone]);
  }

  #keepRunning(proc: Proc): void {
    void this.#watch(proc, this.#clock.monotonicMs());
  }

  async #watch(proc: Proc, startedMs: number): Promise<void> {
    const exit = await proc.exit;
    if (this.#stopping) return;
    if (!this.#settled) {
      this.#failStart(this.#endedEarly(exit));
      return;
    }
    if (this.#isFinal(exit)) return;
    if (this.#clock.monotonicMs() - startedMs > STEADY_MS) this.#failures = 0;
    await this.#restart(describeExit(exit));
  }

  /** Another one has taken over: starting this one again would only start a quarrel. */
  #isFinal(exit: Exit): boolean {
    if (exit.kind !== 'code' || !FINAL_EXIT_CODES.has(exit.code)) return false;
    this.#options.logger.error({ program: this.name, exitCode: exit.code, reason: this.#failure?.lines.join('; ') }, 'program gave way to another one and is not started again');
    return true;
  }

  async #restart(reason: string): Promise<void> {
    const waitMs = BACKOFF_MS[Math.min(this.#failures, BACKOFF_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.#options.logger.warn({ program: this.name, reason, waitMs }, 'program ended, starting it again');
    await delay(this.#clock, waitMs);
    if (this.#stopping || this.#ctx === undefined || this.#ctx.cancelled) return;
    let proc: Proc | undefined;
    try {
      proc = await this.#launch(this.#ctx);
      await this.#ready(proc);
    } catch (thrown) {
      if (this.#stopping) return;
      const exit = proc?.alive === false ? await proc.exit : undefined;
      if (exit !== undefined && this.#isFinal(exit)) return;
      await proc?.terminate(new Shutdown('it did not become ready'));
      await this.#restart(toError(thrown).message);
      return;
    }
    this.#options.logger.info({ program: this.name, pid: proc.pid }, 'program runs again');
    this.#keepRunning(proc);
  }
}

function describeExit(exit: Exit): string {
  if (exit.kind === 'code') return `exit code ${exit.code}`;
  if (exit.kind === 'signal') return exit.signal;
  return exit.kind === 'spawnError' ? exit.error.message : exit.kind;
}
