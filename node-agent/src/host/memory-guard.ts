import type { LoadReport } from '@reelay/contracts';
import type { Logger, MemoryPressure } from '@reelay/runtime';
import type { Attempts } from '../attempts/attempts.ts';

export type Pressure = NonNullable<LoadReport['memoryPressure']>;

export interface MemoryGuardOptions {
  attempts: Pick<Attempts, 'shedNewest'>;
  logger: Logger;
  /** Called when the level changes: the hub should know now. */
  onChange: () => void;
}

/**
 * What the node does while memory is short.
 *
 *   none ──soft──▶ soft: new jobs are refused ──hard──▶ hard: the newest job is given back, one at a time, until it is over
 *     ▲─────────over──────┘◀──────────────────soft───────┘
 */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #pressure: Pressure | null = null;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  /** Null while there is enough. */
  get pressure(): Pressure | null {
    return this.#pressure;
  }

  soft(detail: string): void {
    this.#become({ level: 'soft', detail });
  }

  /** Repeated for as long as it is hard. */
  hard(cause: MemoryPressure, detail: string): void {
    this.#become({ level: 'hard', detail });
    const shed = this.#options.attempts.shedNewest(cause);
    if (shed) this.#options.logger.warn({ ...shed.ref, type: shed.order.type, detail }, 'memory is very short: the newest job is given back');
  }

  over(): void {
    this.#become(null);
  }

  #become(pressure: Pressure | null): void {
    const before = this.#pressure?.level;
    this.#pressure = pressure && { level: pressure.level, detail: pressure.detail.slice(0, 300) };
    if (before === pressure?.level) return;
    const { logger, onChange } = this.#options;
    if (pressure === null) logger.info('memory is no longer short: taking jobs again');
    else logger.warn({ level: pressure.level, detail: pressure.detail }, 'memory is short: taking no new jobs');
    onChange();
  }
}
