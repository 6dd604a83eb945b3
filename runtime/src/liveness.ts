import { unlink, utimes, writeFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import type { Env } from './config.ts';
import { Ctx } from './ctx.ts';
import { toError } from './errors.ts';
import type { Logger } from './log.ts';
import { runTool } from './supervisor/run-tool.ts';
import { Supervisor } from './supervisor/supervisor.ts';

/** Variable with the path of a file that is touched while the process is alive: for health checks without a port. */
const ALIVE_FILE = 'REELAY_ALIVE_FILE';

const TOUCH_MS = 5_000;
const NOTIFY_LIMIT_MS = 5_000;
const MAX_NOTIFY_BYTES = 4_096;

export interface LivenessOptions {
  env: Env;
  clock: Clock;
  logger: Logger;
}

/**
 * Tells those who watch this process that it is alive: systemd (sd_notify(3): READY, STOPPING, RELOADING and the
 * watchdog, by systemd-notify(1), since Node cannot write to a datagram socket) and a file whose age a probe reads.
 * Both come from the event loop, so that a process that hangs is noticed.
 *
 *   starting ──ready()──▶ beating ──stopping()──▶ stopping ──stopped()──▶ off
 */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #ctx = Ctx.root('liveness');
  readonly #file: string | undefined;
  readonly #socket: string | undefined;
  #supervisor: Supervisor | undefined;
  #callOffs: (() => void)[] = [];
  #telling: Promise<void> = Promise.resolve();

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#file = options.env[ALIVE_FILE] || undefined;
    this.#socket = options.env['NOTIFY_SOCKET'] || undefined;
  }

  ready(): void {
    const { clock, env } = this.#options;
    if (this.#callOffs.length > 0) return;
    if (this.#file !== undefined) {
      this.#touch();
      this.#callOffs.push(clock.every(TOUCH_MS, () => this.#touch()));
    }
    if (this.#socket === undefined) return;
    this.#tell('--ready', `MAINPID=${process.pid}`);
    const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1_000;
    // Half the time allowed, as sd_watchdog_enabled(3) advises.
    if (watchdogMs > 0) this.#callOffs.push(clock.every(watchdogMs / 2, () => this.#tell('WATCHDOG=1')));
  }

  /** A reload begins (`false`) or is done (`true`). */
  reloading(done: boolean): void {
    if (this.#socket !== undefined) this.#tell(done ? 'READY=1' : 'RELOADING=1');
  }

  /** The orderly stop has begun: the watchdog is fed until it is over, nobody is told that it is ready. */
  stopping(): void {
    if (this.#socket !== undefined) this.#tell('STOPPING=1');
  }

  /** Nothing more is told; resolves when the last word is out and the file is gone. */
  async stopped(): Promise<void> {
    for (const callOff of this.#callOffs) callOff();
    await this.#telling;
    this.#ctx.end();
    if (this.#file !== undefined) await unlink(this.#file).catch(() => {});
  }

  #touch(): void {
    const path = this.#file ?? '';
    const now = this.#options.clock.now();
    utimes(path, now, now)
      .catch(() => writeFile(path, ''))
      .catch((error: unknown) => this.#options.logger.warn({ err: toError(error), path }, 'the file for health checks cannot be written'));
  }

  /** One after the other, so that systemd hears them in order. */
  #tell(...args: string[]): void {
    this.#telling = this.#telling.then(() => this.#notify(args)).catch((error: unknown) => {
      this.#options.logger.warn({ err: toError(error), args }, 'systemd was not told');
    });
  }

  async #notify(args: readonly string[]): Promise<void> {
    const { env, logger } = this.#options;
    this.#supervisor ??= new Supervisor({ env, logger });
    await runTool(this.#ctx, this.#supervisor, {
      name: 'systemd-notify', argv0: 'systemd-notify', args, env: { NOTIFY_SOCKET: this.#socket }, group: 'inherit', maxOutputBytes: MAX_NOTIFY_BYTES, limitMs: NOTIFY_LIMIT_MS,
    });
  }
}
