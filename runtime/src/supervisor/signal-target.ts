import { errorCode } from '../errors.ts';
import type { Logger } from '../log.ts';
import { readProcStat } from './proc-stat.ts';

export interface TargetOptions {
  pid: number;
  /** True: the process group with this number; false: the process alone. */
  group: boolean;
  /** Null where there is no /proc: then there is nothing to compare. */
  startTicks: string | null;
}

/**
 * Where the signals of one child go, and never to another process that got its number later.
 *
 * Until Node has reaped the child its number cannot be given away. After that a group keeps its number while it has
 * members; if it is empty the number may belong to a stranger, who then has another start time.
 */
export class SignalTarget {
  readonly #options: TargetOptions;
  readonly #logger: Logger;

  constructor(options: TargetOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** False when there was nothing to send it to. */
  send(signal: NodeJS.Signals): boolean {
    const { pid, group } = this.#options;
    if (pid <= 1 || this.#isForeign()) return false;
    try {
      process.kill(group ? -pid : pid, signal);
      return true;
    } catch (error) {
      // ESRCH is success: it is gone.
      if (errorCode(error) !== 'ESRCH') this.#logger.warn({ err: error, pid, signal }, 'signal not delivered');
      return false;
    }
  }

  /** After the exit: what the child left in its group. */
  endGroup(): void {
    if (this.#options.group) this.send('SIGKILL');
  }

  #isForeign(): boolean {
    const { pid, startTicks } = this.#options;
    if (startTicks === null) return false;
    const now = readProcStat(pid);
    if (now === null || now.startTicks === startTicks) return false;
    this.#logger.warn({ pid }, 'signal withheld: the number belongs to another process now');
    return true;
  }
}
