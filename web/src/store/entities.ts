/** Objects by id, each in a signal: a row redraws when its own object changes, and no other. */
import type { Signal } from '@preact/signals';
import { signal } from '@preact/signals';

/** Objects kept; the least recently put ones go first. A page shows at most a hundred. */
const MOST = 2000;

export class Entities<T extends { readonly id: string }> {
  readonly #known = new Map<string, Signal<T>>();
  readonly #newer: (known: T, incoming: T) => T;

  /** `newer` chooses between two versions, whatever their order of arrival. */
  constructor(newer: (known: T, incoming: T) => T = (_known, incoming) => incoming) {
    this.#newer = newer;
  }

  put(item: T): Signal<T> {
    const known = this.#known.get(item.id) ?? signal(item);
    known.value = this.#newer(known.peek(), item);
    this.#known.delete(item.id);
    this.#known.set(item.id, known);
    for (const id of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(id);
    }
    return known;
  }

  get(id: string): Signal<T> | undefined {
    return this.#known.get(id);
  }

  /** Changes an object that is known; others are nobody's concern. */
  change(id: string, change: (known: T) => T): void {
    const known = this.#known.get(id);
    if (known !== undefined) known.value = change(known.peek());
  }
}
