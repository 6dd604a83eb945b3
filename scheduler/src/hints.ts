import { PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import { type Logger, toError } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';

/** Tells others after a commit that there is something to look at. A lost hint costs time, never a job. */
export class Hints {
  readonly #bus: Bus;
  readonly #logger: Logger;

  constructor(bus: Bus, logger: Logger) {
    this.#bus = bus;
    this.#logger = logger;
  }

  /** New audit rows. */
  outbox(): void {
    this.#publish(subjects.hintOutbox);
  }

  /** New audit rows, and the queue or the fleet changed. */
  changed(): void {
    this.outbox();
    this.#publish(subjects.hintPlace);
  }

  /** A file is waited for, or free again. */
  locks(): void {
    this.#publish(subjects.hintLocks);
  }

  #publish(subject: string): void {
    try {
      this.#bus.publish(subject, { v: PROTOCOL_VERSION });
    } catch (error) {
      this.#logger.debug({ err: toError(error), subject }, 'hint not sent');
    }
  }
}
