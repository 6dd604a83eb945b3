import { Shutdown, TerminalClosed } from '../causes.ts';
import { type Clock, systemClock, waitAtMost } from '../clock.ts';
import type { Env } from '../config.ts';
import { Ctx } from '../ctx.ts';
import { toError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { Liveness } from '../liveness.ts';
import { createLogger, flushLogger, type Logger } from '../log.ts';
import type { App, MainOptions } from '../main.ts';
import { ReleaseStack, type ReleaseReport, ReleaseTimeout } from '../service.ts';
import { commonSettings } from '../settings/common.ts';
import { killAfter } from './hard-end.ts';
import { readLeniently } from './lenient.ts';
import { type LogOutput, openLogOutput } from './log-output.ts';
import { tellParent } from './parent-channel.ts';
import { listenToSignals } from './process-signals.ts';
import { type ReloadHandler, Reloads } from './reloads.ts';
import { describeStartFailure } from './start-failure.ts';
import { Terminal } from './terminal.ts';

const { REELAY_LOG_LEVEL, SHUTDOWN_TIMEOUT } = commonSettings;
/** The steps end a little before the whole, so that the last lines are still written. */
const STEPS_SHARE = 0.95;
const DEFAULT_SHARE = 0.5;
/** Bounds of what is left of the shutdown time for the last lines: a reader on a busy machine is slow, one that does not read is not waited for. */
const LAST_LINES_MS = { least: 500, most: 3_000 };
/** After the deadline that this thread keeps, for when it is blocked. */
const BLOCKED_MS = 1_000;
const SLOW_STEP_MS = 1_000;

/**
 *   starting ──start done──▶ running ──signal, stop()──▶ stopping ──all released──▶ exit 0
 *      │  └──signal, stop()─────┼────uncaught error (exit 70)──▲ └──deadline, second signal, QUIT──▶ KILL groups, exit 1
 *      └──start failed──▶ a line on stderr, released, exit code of the error
 */
export class MainProcess implements App {
  readonly name: string;
  readonly env: Env;
  readonly argv: readonly string[];
  readonly ctx: Ctx;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly #output: LogOutput;
  readonly #release: ReleaseStack;
  readonly #reloads: Reloads;
  readonly #liveness: Liveness;
  readonly #terminal = new Terminal();
  readonly #killHandlers: (() => void)[] = [];
  readonly #describers = new Map<string, () => unknown>();
  readonly #isInFile: boolean;
  #shutdownMs: number;
  #exitCode: ExitCode = EXIT_CODES.stopped;
  /** The deadline of the stop, on the monotonic clock. */
  #stopsAtMs = 0;
  #phase: 'starting' | 'running' | 'stopping' | 'ending' = 'starting';
  readonly #startedMs: number;
  /** It has been said why: the lines about its stop would only hide that. */
  #failedToStart = false;

  /** @throws LogFileUnusable */
  constructor(options: MainOptions, logFile: string | undefined) {
    const early = readLeniently({ REELAY_LOG_LEVEL, SHUTDOWN_TIMEOUT }, options.env);
    this.name = options.name;
    this.env = options.env;
    this.argv = options.argv;
    this.clock = options.clock ?? systemClock;
    this.#startedMs = this.clock.monotonicMs();
    this.#shutdownMs = options.stopMs ?? early.SHUTDOWN_TIMEOUT * 1_000;
    this.ctx = Ctx.root(options.name);
    this.#isInFile = logFile !== undefined;
    this.#output = openLogOutput(options.env, logFile);
    const destination = options.logDestination?.(this.#output.writer) ?? this.#output.writer;
    this.logger = createLogger({ service: options.name, level: early.REELAY_LOG_LEVEL, destination });
    this.#reloads = new Reloads(this.logger);
    this.#liveness = new Liveness({ env: this.env, clock: this.clock, logger: this.logger });
    this.#release = new ReleaseStack(this.clock, { onStep: (report) => this.#stepDone(report), totalMs: () => this.#shutdownMs * STEPS_SHARE });
  }

  get shutdownMs(): number {
    return this.#shutdownMs;
  }

  setShutdownMs(ms: number): void {
    this.#shutdownMs = ms;
  }

  onStop(name: string, fn: () => void | Promise<void>, deadline: number | (() => number) = DEFAULT_SHARE): void {
    this.#release.push(name, fn, typeof deadline === 'function' ? deadline : () => deadline * this.#shutdownMs);
  }

  async open<T>(name: string, open: () => Promise<T>, close: (opened: T) => void | Promise<void>, deadline?: number | (() => number)): Promise<T> {
    this.ctx.throwIfCancelled();
    const opening = open();
    this.onStop(name, async () => {
      const opened = await opening.then((value) => ({ value }), () => null);
      if (opened !== null) await close(opened.value);
    }, deadline);
    const opened = await opening;
    this.ctx.throwIfCancelled();
    return opened;
  }

  onReload(fn: ReloadHandler): void {
    this.#reloads.add(fn);
  }

  onKill(fn: () => void): void {
    this.#killHandlers.push(fn);
  }

  onDescribe(name: string, fn: () => unknown): void {
    this.#describers.set(name, fn);
  }

  describe(): Record<string, unknown> {
    const counts: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
    return {
      phase: this.#phase,
      uptimeMs: Math.round(this.clock.monotonicMs() - this.#startedMs),
      shutdownMs: this.#shutdownMs,
      stopOrder: this.#release.describe(),
      contexts: this.ctx.describe(),
      handles: counts,
      ...Object.fromEntries([...this.#describers].map(([name, fn]) => [name, fn()])),
    };
  }

  ready(info: Record<string, unknown> = {}, words?: string): void {
    if (this.#phase === 'starting') this.#phase = 'running';
    this.logger.info(info, 'ready');
    this.logger.debug({ shutdownMs: this.#shutdownMs, stopOrder: this.#release.describe() }, 'stop order');
    this.#liveness.ready();
    tellParent({ ready: true, ...info, ...(this.#isInFile && words !== undefined ? { words } : {}) });
    // In a file they would be a log line, and they may hold a password.
    if (words !== undefined && !this.#isInFile) this.#output.writer.write(`${words}\n`);
    setImmediate(readSourceMaps);
  }

  tell(message: Record<string, unknown>): void {
    tellParent(message);
  }

  stop(cause: Error, exitCode: ExitCode = EXIT_CODES.stopped): void {
    this.#stop(cause, exitCode);
  }

  async run(start: (app: App) => Promise<void>): Promise<void> {
    listenToSignals(this.clock, {
      stop: (signal) => this.#stop(new Shutdown(signal), EXIT_CODES.stopped),
      stopAtOnce: (reason) => this.#endNow(reason),
      reload: () => this.#onHangUp(),
      describe: () => this.logger.info(this.describe(), 'description'),
      crash: (thrown) => this.#crashed(toError(thrown)),
    });
    try {
      await start(this);
      this.#reloads.open();
    } catch (thrown) {
      // A start that the stop cuts short has failed for no other reason.
      if (this.#isStopping) return;
      this.#startFailed(toError(thrown));
    }
  }

  get #isStopping(): boolean {
    return this.#phase === 'stopping' || this.#phase === 'ending';
  }

  #startFailed(error: Error): void {
    this.#failedToStart = true;
    const failure = describeStartFailure(this.name, error);
    this.#sayFailed(failure.lines, failure.exitCode);
    this.logger[failure.exitCode === EXIT_CODES.crashed ? 'error' : 'debug']({ err: error }, 'start failed');
    this.#stop(error, failure.exitCode as ExitCode);
  }

  #sayFailed(lines: string[], exitCode: number): void {
    process.stderr.write(`${lines.join('\n')}\n`);
    tellParent({ failed: lines, exitCode });
  }

  #stop(cause: Error, exitCode: ExitCode): void {
    if (this.#isStopping) return;
    const wasStarting = this.#phase === 'starting';
    this.#phase = 'stopping';
    this.#exitCode = exitCode;
    this.#reloads.close();
    this.logger[this.#failedToStart ? 'debug' : 'info']({ reason: cause.message, ...(wasStarting ? { whileStarting: true } : {}) }, 'stopping');
    // Real time on purpose: the hard end must not depend on anything that may be broken.
    setTimeout(() => this.#endNow('the stop took too long'), this.#shutdownMs).unref();
    killAfter(this.#shutdownMs + BLOCKED_MS);
    this.#liveness.stopping();
    try {
      this.ctx.cancel(cause);
    } catch (thrown) {
      this.#crashed(toError(thrown));
    }
    const startedMs = this.clock.monotonicMs();
    this.#stopsAtMs = startedMs + this.#shutdownMs;
    const end = () => void this.#stopped(startedMs);
    this.#release.release().then(end, end);
  }

  #stepDone({ name, tookMs, error }: ReleaseReport): void {
    if (error instanceof ReleaseTimeout && this.#exitCode === EXIT_CODES.stopped) this.#exitCode = EXIT_CODES.cutOff;
    if (error) this.logger.error({ step: name, tookMs, err: error }, 'stop step failed');
    else if (tookMs > SLOW_STEP_MS) this.logger.info({ step: name, tookMs }, 'stop step was slow');
    else this.logger.debug({ step: name, tookMs }, 'stop step done');
  }

  /** Also while stopping: the stop goes on, and its exit code tells. */
  #crashed(error: Error): void {
    this.logger.fatal({ err: error }, 'uncaught error');
    if (this.#isStopping) {
      this.#exitCode = EXIT_CODES.crashed;
      return;
    }
    if (this.#phase === 'starting') this.#sayFailed([`${this.name}: crashed: ${error.message.replaceAll(/\s*\n\s*/g, ' ')}`], EXIT_CODES.crashed);
    this.#stop(error, EXIT_CODES.crashed);
  }

  #onHangUp(): void {
    if (this.#terminal.isGone) {
      this.#stop(new TerminalClosed(), EXIT_CODES.stopped);
      return;
    }
    this.#output.reopen();
    if (this.#isStopping) return;
    void this.#reload();
  }

  async #reload(): Promise<void> {
    this.#liveness.reloading(false);
    await this.#reloads.reload();
    if (!this.#isStopping) this.#liveness.reloading(true);
  }

  #endNow(reason: string): void {
    if (this.#phase === 'ending') return;
    this.#phase = 'ending';
    this.logger.error({ reason, left: this.#release.describe().map(({ name }) => name) }, 'ending at once');
    this.#kill();
    void this.#end(this.#exitCode === EXIT_CODES.stopped ? EXIT_CODES.cutOff : this.#exitCode);
  }

  #kill(): void {
    for (const fn of this.#killHandlers) {
      try {
        fn();
      } catch (thrown) {
        this.logger.error({ err: toError(thrown) }, 'kill handler failed');
      }
    }
  }

  async #stopped(startedMs: number): Promise<void> {
    if (this.#phase === 'ending') return;
    this.#phase = 'ending';
    await waitAtMost(systemClock, LAST_LINES_MS.least, this.#liveness.stopped()).catch(() => {});
    this.#kill();
    this.logger[this.#failedToStart ? 'debug' : 'info']({ reason: this.ctx.cause?.message, tookMs: Math.round(this.clock.monotonicMs() - startedMs), exitCode: this.#exitCode }, 'stopped');
    await this.#end(this.#exitCode);
  }

  /** With a log reader that does not read, exit() waits for the blocked write for ever (measured); a signal does not. */
  async #end(exitCode: number): Promise<void> {
    const leftMs = this.#stopsAtMs - this.clock.monotonicMs();
    const limitMs = Math.min(Math.max(leftMs, LAST_LINES_MS.least), LAST_LINES_MS.most);
    if (!(await flushLogger(this.logger, limitMs))) process.kill(process.pid, 'SIGKILL');
    process.exit(exitCode);
  }
}

/**
 * The first stack that is read parses the map of the program's sources, which stops everything for 80–130 ms; Node itself reads
 * one of each stream that ends with an error (measured: the first client that left stopped the gateway). Better now than then.
 */
function readSourceMaps(): void {
  void new Error('read for its stack').stack;
}
