import { PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import type { Bus } from '@reelay/runtime/bus';

/** Tells the others after a commit. A lost hint costs time only: everybody also looks by itself. */
export class Hints {
  readonly #bus: Bus;
  readonly #onTell: () => void;

  /** `onTell`: called before the others hear of it. */
  constructor(bus: Bus, onTell: () => void) {
    this.#bus = bus;
    this.#onTell = onTell;
  }

  /** New audit rows. */
  outbox(): void {
    this.#onTell();
    this.#send(subjects.hintOutbox);
  }

  /** The queue changed: somebody should look whether a job can be placed. Implies new audit rows. */
  queue(): void {
    this.#onTell();
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
