/** The bytes are no packet index of a version this code reads. */
export class PacketIndexError extends Error {
  readonly code = 'packet_index_corrupt';
}

/** Appends LEB128 numbers up to 2^53 (positions in a file exceed 32 bits, so no bitwise operators on the whole). */
export class VarintWriter {
  #bytes = new Uint8Array(4096);
  #length = 0;

  /** Appends a non-negative integer. */
  unsigned(value: number): void {
    if (this.#length + 8 > this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Appends a signed integer or, for null, "missing". */
  optional(value: number | null): void {
    this.unsigned(value === null ? 0 : 1 + (value < 0 ? -2 * value - 1 : 2 * value));
  }

  /** What was written; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Reads what {@link VarintWriter} wrote; throws {@link PacketIndexError} at the end of the bytes. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  unsigned(): number {
    // Nearly all numbers are small: half the time of a three-hour film's index.
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 128) {
      this.#at += 1;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || scale > 2 ** 49) throw new PacketIndexError('the packet index is damaged');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  /** NaN for "missing". */
  optional(): number {
    const coded = this.unsigned();
    if (coded === 0) return Number.NaN;
    // Odd codes are the non-negative ones, for 0 is taken.
    return coded % 2 === 1 ? (coded - 1) / 2 : -coded / 2;
  }
}
