import { PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import type { Bus } from '@reelay/runtime/bus';

/** Tells the others after a commit. A lost hint costs time only: everybody also looks by itself. */
export class Hints {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** New audit rows. */
  outbox(): void {
    this.#send(subjects.hintOutbox);
  }

  /** The queue changed: somebody should look whether a job can be placed. Implies new audit rows. */
  queue(): void {
    this.#send(subjects.hintPlace);
    this.#send(subjects.hintOutbox);
  }

  #send(subject: string): void {
    try {
      this.#bus.publish(subject, { v: PROTOCOL_VERSION });
    } catch {
      // Closing: the change is stored, and that is what counts.
    }
  }
}
