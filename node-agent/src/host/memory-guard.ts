import type { LoadReport } from '@reelay/contracts';
import { type Clock, type Ctx, type Logger, MemoryPressure, type Service } from '@reelay/runtime';
import { type Exit, HealthMonitor, type HealthMonitorOptions, type MemoryReading, type Supervisor } from '@reelay/runtime/supervisor';
import type { Attempts } from '../attempts/attempts.ts';
import { memoryReason } from '../attempts/end-reason.ts';

export type Pressure = NonNullable<LoadReport['memoryPressure']>;

export interface MemoryGuardOptions {
  supervisor: Pick<Supervisor, 'inspect' | 'end' | 'endStrays'>;
  attempts: Pick<Attempts, 'ofProcess'>;
  clock: Clock;
  logger: Logger;
  /** Where the memory's figures come from; the host when left out. */
  readMemory?: HealthMonitorOptions['readMemory'];
  /** Called when the level changes: the hub should know now. */
  onChange: () => void;
}

const BYTES_PER_MIB = 1_048_576;

/**
 * Watches this node's memory: says when it is short, so that no new job is taken, and ends jobs through their attempts, so
 * that each is given back (or fails, when it passed a limit of its own).
 */
export class MemoryGuard implements Service {
  readonly name = 'memory guard';
  readonly #monitor: HealthMonitor;

  constructor(options: MemoryGuardOptions) {
    const { supervisor, clock, logger, readMemory, onChange } = options;
    this.#monitor = new HealthMonitor({
      supervisor: { inspect: () => supervisor.inspect(), endStrays: () => supervisor.endStrays(), end: (id, cause, graceMs) => endProcess(options, id, cause, graceMs) },
      clock, logger, readMemory, onLevel: onChange,
    });
  }

  /** Null while there is enough. */
  get pressure(): Pressure | null {
    const { level, memory } = this.#monitor.stats();
    return level === 'ok' || memory === null ? null : { level, detail: sayLeft(memory) };
  }

  start(ctx: Ctx): Promise<void> {
    return this.#monitor.start(ctx);
  }

  stop(): Promise<void> {
    return this.#monitor.stop();
  }
}

function endProcess({ attempts, supervisor }: MemoryGuardOptions, id: string, cause: Error, graceMs: number | undefined): Promise<Exit> | null {
  const attempt = attempts.ofProcess(id);
  if (!attempt || !(cause instanceof MemoryPressure)) return supervisor.end(id, cause, graceMs);
  attempt.end(memoryReason(cause), graceMs);
  return attempt.exited.then(({ exit }) => exit);
}

/** "512 of 16000 MB of memory are left". */
function sayLeft({ availableBytes, totalBytes, source, stalledPercent }: MemoryReading): string {
  const [left, total] = [availableBytes, totalBytes].map((bytes) => Math.round(bytes / BYTES_PER_MIB));
  const where = source === 'cgroup' ? ' of its control group' : '';
  const waits = stalledPercent !== null && stalledPercent >= 1 ? `, and work waits for it ${Math.round(stalledPercent)}% of the time` : '';
  return `${left} of ${total} MB of memory${where} are left${waits}`;
}
