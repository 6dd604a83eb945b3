/** Keeps the last `capacityBytes` of what is written to it. */
export class TailBuffer {
  readonly #capacityBytes: number;
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    for (let first = this.#chunks[0]; first && this.#sizeBytes - first.length >= this.#capacityBytes; first = this.#chunks[0]) {
      this.#chunks.shift();
      this.#sizeBytes -= first.length;
    }
  }

  toString(): string {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.length - this.#capacityBytes)).toString('utf8');
  }
}
