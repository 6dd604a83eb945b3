/**
 * Which pieces of the disk are worth keeping in memory: those that are asked for again before as many other bytes went
 * out as the memory holds. A film that is read once from end to end, or a set too large to fit, pushes nothing out.
 */
export class SecondLook {
  readonly #maxBytes: number;
  /** Last in the map = asked last. */
  readonly #once = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Notes that the piece was asked for. True when that was the second time soon enough. */
  isSecond(key: string, sizeBytes: number): boolean {
    if (this.#forget(key)) return true;
    this.#once.set(key, sizeBytes);
    this.#bytes += sizeBytes;
    for (const oldest of this.#once.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#forget(oldest);
    }
    return false;
  }

  #forget(key: string): boolean {
    const sizeBytes = this.#once.get(key);
    if (sizeBytes === undefined) return false;
    this.#bytes -= sizeBytes;
    return this.#once.delete(key);
  }
}
