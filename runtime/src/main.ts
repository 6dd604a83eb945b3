import { Shutdown } from './causes.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Env } from './config.ts';
import { Ctx } from './ctx.ts';
import { toError } from './errors.ts';
import { createLogger, flushLogger, LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel } from './log.ts';
import { ReleaseStack } from './service.ts';

export interface MainOptions {
  /** Name of the service, for logs and messages. */
  name: string;
  env: Env;
  argv: readonly string[];
  /** All stop steps together. Default 10 s. */
  stopMs?: number | undefined;
  clock?: Clock | undefined;
  /** Where log lines go; stdout when left out. */
  logDestination?: LoggerOptions['destination'];
}

/** Checks the new configuration completely and returns how to make it take effect. */
export type ReloadHandler = () => (() => void) | Promise<() => void>;

/** What a service's main function works with. */
export interface App {
  readonly name: string;
  readonly env: Env;
  readonly argv: readonly string[];
  readonly ctx: Ctx;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Registers a stop step; the last registered runs first. Default deadline 5 s. */
  onStop(name: string, fn: () => void | Promise<void>, deadlineMs?: number): void;
  /** All handlers must accept the new configuration before any takes effect. */
  onReload(fn: ReloadHandler): void;
  /** Last resort, synchronous: KILL all child groups. */
  onKill(fn: () => void): void;
  /** Says that the service is ready: a log line, and a message to the parent when there is a channel. */
  ready(info?: Record<string, unknown>): void;
  /** Starts an orderly stop. Exit code 0, or 70 for an error that makes it impossible to go on. */
  stop(cause: Error, exitCode?: 0 | 70): void;
}

const SAME_SIGNAL_MS = 1_000;
const LAST_LINES_MS = 500;
const EXIT_FAILED = 1;
const EXIT_CRASHED = 70;

function logLevel(env: Env): LogLevel {
  return LOG_LEVELS.find((level) => level === env.REELAY_LOG_LEVEL) ?? 'info';
}

/**
 *   starting ──start done──▶ running ──signal, stop()──▶ stopping ──all released──▶ exit 0
 *      │                        └────uncaught error─────────▲ └──deadline, second signal──▶ KILL groups, exit 1
 *      └──start failed──▶ one line on stderr, released, exit 1                    (after an uncaught error: exit 70)
 */
class Main implements App {
  readonly name: string;
  readonly env: Env;
  readonly argv: readonly string[];
  readonly ctx: Ctx;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly #stopMs: number;
  readonly #release: ReleaseStack;
  readonly #reloadHandlers: ReloadHandler[] = [];
  readonly #killHandlers: (() => void)[] = [];
  #reloading: Promise<void> = Promise.resolve();
  #firstSignalMs: number | undefined;
  #exitCode: 0 | 1 | 70 = 0;
  #stopping = false;

  constructor(options: MainOptions) {
    this.name = options.name;
    this.env = options.env;
    this.argv = options.argv;
    this.clock = options.clock ?? systemClock;
    this.#stopMs = options.stopMs ?? 10_000;
    this.ctx = Ctx.root(options.name);
    this.logger = createLogger({ service: options.name, level: logLevel(options.env), destination: options.logDestination });
    this.#release = new ReleaseStack(this.clock, ({ name, tookMs, error }) => {
      if (error) this.logger.error({ step: name, tookMs, err: error }, 'stop step failed');
      else this.logger.debug({ step: name, tookMs }, 'stop step done');
    });
  }

  onStop(name: string, fn: () => void | Promise<void>, deadlineMs?: number): void {
    this.#release.push(name, fn, deadlineMs);
  }

  onReload(fn: ReloadHandler): void {
    this.#reloadHandlers.push(fn);
  }

  onKill(fn: () => void): void {
    this.#killHandlers.push(fn);
  }

  ready(info: Record<string, unknown> = {}): void {
    this.logger.info(info, 'ready');
    if (process.connected) process.send?.({ ready: true, ...info }, () => {});
  }

  stop(cause: Error, exitCode: 0 | 1 | 70 = 0): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#exitCode = exitCode;
    this.logger.info({ reason: cause.message }, 'stopping');
    // Real time on purpose: the hard end must not depend on anything that may be broken.
    setTimeout(() => this.#endNow('the stop took too long'), this.#stopMs).unref();
    this.ctx.cancel(cause);
    const startedMs = this.clock.monotonicMs();
    const exit = () => void this.#exit(startedMs);
    this.#release.release().then(exit, exit);
  }

  async run(start: (app: App) => Promise<void>): Promise<void> {
    this.#listen();
    try {
      await start(this);
    } catch (thrown) {
      if (this.#stopping) return;
      const error = toError(thrown);
      process.stderr.write(`${this.name}: cannot start: ${error.message.replace(/\s*\n\s*/g, ' ')}\n`);
      this.logger.debug({ err: error }, 'start failed');
      this.stop(error, EXIT_FAILED);
    }
  }

  #listen(): void {
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
    process.on('SIGTERM', () => this.#onSignal('SIGTERM'));
    process.on('SIGINT', () => this.#onSignal('SIGINT'));
    process.on('SIGHUP', () => this.#onReload());
    const crash = (thrown: unknown) => {
      const error = toError(thrown);
      this.logger.fatal({ err: error }, 'uncaught error');
      this.stop(error, EXIT_CRASHED);
    };
    process.on('uncaughtException', crash);
    process.on('unhandledRejection', crash);
  }

  /** npm and the terminal both deliver Ctrl-C, so a repeat within a second is the same signal. */
  #onSignal(signal: 'SIGTERM' | 'SIGINT'): void {
    const nowMs = this.clock.monotonicMs();
    if (this.#firstSignalMs === undefined) {
      this.#firstSignalMs = nowMs;
      this.stop(new Shutdown(signal));
    } else if (nowMs - this.#firstSignalMs > SAME_SIGNAL_MS) {
      this.#endNow(`a second ${signal}`);
    }
  }

  #onReload(): void {
    this.#reloading = this.#reloadAfter(this.#reloading);
  }

  async #reloadAfter(earlier: Promise<void>): Promise<void> {
    await earlier;
    if (this.#stopping) return;
    try {
      const commits = await Promise.all(this.#reloadHandlers.map(async (prepare) => prepare()));
      for (const commit of commits) commit();
      this.logger.info({ handlers: commits.length }, 'reloaded');
    } catch (thrown) {
      this.logger.error({ err: toError(thrown) }, 'reload refused, nothing changed');
    }
  }

  #endNow(reason: string): void {
    this.logger.error({ reason }, 'ending at once');
    this.#kill();
    void this.#end(EXIT_FAILED);
  }

  /** With a log reader that does not read, exit() waits for the blocked write for ever (measured); a signal does not. */
  async #end(exitCode: number): Promise<void> {
    if (!(await flushLogger(this.logger, LAST_LINES_MS))) process.kill(process.pid, 'SIGKILL');
    process.exit(exitCode);
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

  async #exit(startedMs: number): Promise<void> {
    this.logger.info({ tookMs: Math.round(this.clock.monotonicMs() - startedMs), exitCode: this.#exitCode }, 'stopped');
    this.#kill();
    await this.#end(this.#exitCode);
  }
}

/**
 * Runs a service: signals, orderly stop within `stopMs`, reload, crash handling, start errors in one line.
 * The process ends inside; nothing after it runs.
 */
export async function runMain(options: MainOptions, start: (app: App) => Promise<void>): Promise<void> {
  await new Main(options).run(start);
}

