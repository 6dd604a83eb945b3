import type { Clock } from './clock.ts';
import type { Env } from './config.ts';
import type { Ctx } from './ctx.ts';
import { toError } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { parseServiceArguments } from './lifecycle/arguments.ts';
import { detach } from './lifecycle/detach.ts';
import { MainProcess } from './lifecycle/main-process.ts';
import type { ReloadHandler } from './lifecycle/reloads.ts';
import { describeStartFailure } from './lifecycle/start-failure.ts';
import type { Logger, LoggerOptions } from './log.ts';
import type { LogWriter } from './log-writer.ts';

export type { ReloadHandler };

export interface MainOptions {
  /** Name of the service, for logs and messages. */
  name: string;
  env: Env;
  argv: readonly string[];
  /** All stop steps together, until `setShutdownMs`. Default: SHUTDOWN_TIMEOUT of the environment, else 10 s. */
  stopMs?: number | undefined;
  /** Where `--detach` puts the log, in `logs/`. Asked only then. Default: REELAY_DATA_DIR of the environment. */
  dataDir?: (() => string) | undefined;
  clock?: Clock | undefined;
  /** Another road for log lines than straight to `usual`: stdout, or the file of `--log-file`. */
  logDestination?: ((usual: LogWriter) => NonNullable<LoggerOptions['destination']>) | undefined;
}

/** What a service's main function works with. */
export interface App {
  readonly name: string;
  readonly env: Env;
  readonly argv: readonly string[];
  readonly ctx: Ctx;
  readonly logger: Logger;
  readonly clock: Clock;
  /** What an orderly stop may take; steps that need a deadline of their own derive it from this. */
  readonly shutdownMs: number;
  setShutdownMs(ms: number): void;
  /**
   * Registers a stop step; the last registered runs first. Its deadline is a share of the shutdown time, by default half,
   * or what the function says in milliseconds.
   */
  onStop(name: string, fn: () => void | Promise<void>, deadline?: number | (() => number)): void;
  /**
   * Opens something that must be closed again: also when the stop comes while it is being opened. @throws what `open` throws, or the cause of the stop
   */
  open<T>(name: string, open: () => Promise<T>, close: (opened: T) => void | Promise<void>, deadline?: number | (() => number)): Promise<T>;
  /** All handlers must accept the new configuration before any takes effect. */
  onReload(fn: ReloadHandler): void;
  /** Last resort, synchronous: KILL all child groups. */
  onKill(fn: () => void): void;
  /** Adds to what `describe` tells, such as the children. */
  onDescribe(name: string, fn: () => unknown): void;
  /** The stop order, the context tree, open handles, and what `onDescribe` added. SIGUSR2 logs it. */
  describe(): Record<string, unknown>;
  /** Says that the service is ready: a log line, a message to the parent when there is a channel, and `words` for people. */
  ready(info?: Record<string, unknown>, words?: string): void;
  /** Tells the process that started this one, when it listens. */
  tell(message: Record<string, unknown>): void;
  /** Starts an orderly stop. Exit code 0 unless given. */
  stop(cause: Error, exitCode?: ExitCode): void;
}

/**
 * Runs a service: signals, orderly stop within the shutdown time, reload, crash handling, start errors in one line each,
 * `--detach`. The process ends inside; nothing after it runs.
 */
export async function runMain(options: MainOptions, start: (app: App) => Promise<void>): Promise<void> {
  let main: MainProcess;
  try {
    const { detach: inBackground, logFile } = parseServiceArguments(options.argv);
    if (inBackground) return await detach(options, logFile);
    main = new MainProcess(options, logFile);
  } catch (thrown) {
    const { lines, exitCode } = describeStartFailure(options.name, toError(thrown));
    process.stderr.write(`${lines.join('\n')}\n`);
    process.exit(exitCode);
  }
  await main.run(start);
}
