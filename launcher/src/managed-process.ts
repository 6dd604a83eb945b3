import { type Clock, type Ctx, delay, type Logger, ReelayError, type Service, Shutdown, systemClock, toError, waitAtMost } from '@reelay/runtime';
import type { Exit, Proc, SpawnOptions, Supervisor } from '@reelay/runtime/supervisor';

/** A program of the system ended before it was ready. */
class EndedWhileStarting extends ReelayError {
  readonly code = 'ended_while_starting';
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
  stopMs: number;
}

/** Says more than what follows it, such as a stack. */
const ERROR_LINE = /cannot start|Error\b/;
const BACKOFF_MS = [250, 500, 1_000, 2_000, 5_000, 10_000];
/** Up for so long, it counts as well again. */
const STEADY_MS = 60_000;

/**
 * One long-lived program of the system.
 *
 *   idle ──start()──▶ starting ──ready──▶ running ──exit──▶ waiting ──backoff over──▶ starting …
 *                        │                   └──stop()──▶ stopping ──exit──▶ stopped
 *                        └──exit before settle()──▶ failedToStart
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
    const { stopSignal, stopMs } = this.#options;
    if (stopSignal !== undefined && proc.signal(stopSignal) && (await waitAtMost(this.#clock, stopMs, proc.exit))) return;
    await proc.terminate(new Shutdown('the system stops'), stopSignal === undefined ? stopMs : 0);
  }

  async #launch(ctx: Ctx): Promise<Proc> {
    const command = await this.#options.command();
    if (this.#stopping) throw new Shutdown('the system stops');
    this.#lastLine = '';
    const remember = (print: ((line: string) => void) | undefined) => (line: string) => {
      if (line.trim() !== '' && (ERROR_LINE.test(line) || !ERROR_LINE.test(this.#lastLine))) this.#lastLine = line.trim();
      print?.(line);
    };
    const proc = this.#options.supervisor.spawn(ctx, { ...command, group: 'own', onStderrLine: remember(command.onStderrLine) });
    this.#proc = proc;
    return proc;
  }

  async #ready(proc: Proc): Promise<void> {
    const gone = proc.exit.then((exit) => {
      throw new EndedWhileStarting(this.name, exit, this.#lastLine);
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
      this.#failStart(new EndedWhileStarting(this.name, exit, this.#lastLine));
      return;
    }
    if (this.#clock.monotonicMs() - startedMs > STEADY_MS) this.#failures = 0;
    await this.#restart(describeExit(exit));
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
