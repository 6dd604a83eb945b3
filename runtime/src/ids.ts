import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from './clock.ts';

/** Randomness is fetched for this many ids at a time. */
const POOL_BYTES = 4_000;
const MAX_COUNTER = 0xfff;
const DIGITS = Buffer.from('0123456789abcdef');
const DASH = 0x2d;

/** Puts ids into text: each piece of string that is joined to another is memory, and a request has an id before anything else. */
class Writer {
  readonly #text = Buffer.alloc(36, DASH);
  #ms = -1;

  id(ms: number, counter: number, random: Uint8Array): string {
    if (ms !== this.#ms) {
      this.#ms = ms;
      this.#digits(Math.floor(ms / 65_536), 0, 8);
      this.#digits(ms % 65_536, 9, 4);
    }
    this.#digits(0x7000 | counter, 14, 4);
    const byte = (at: number): number => random[at] ?? 0;
    this.#digits(((0x80 | (byte(2) & 0x3f)) << 8) | byte(3), 19, 4);
    for (let at = 4; at < 10; at += 1) this.#digits(byte(at), 16 + at * 2, 2);
    return this.#text.toString('latin1');
  }

  #digits(value: number, at: number, count: number): void {
    for (let i = at + count - 1, rest = value; i >= at; i -= 1, rest = Math.floor(rest / 16)) this.#text[i] = DIGITS[rest % 16] ?? 0;
  }
}

/**
 * A source of UUID v7 (RFC 9562, method 1: the 12 bits after the version are a counter), so that ids of
 * one source sort in the order they were made, also within a millisecond and when the clock steps back.
 */
export function createIdSource(clock: Pick<Clock, 'now'>, random: (size: number) => Uint8Array): () => string {
  const writer = new Writer();
  let lastMs = -1;
  let counter = 0;
  return () => {
    const bytes = random(10);
    const nowMs = clock.now().getTime();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      // The top bit starts clear, to leave room for counting up within the millisecond.
      counter = (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) & 0x7ff;
    } else if (counter < MAX_COUNTER) {
      counter += 1;
    } else {
      lastMs += 1;
      counter = 0;
    }
    return writer.id(lastMs, counter, bytes);
  };
}

/** Random bytes, each given out once. */
function pooled(): (size: number) => Uint8Array {
  let pool = new Uint8Array(0);
  let at = 0;
  return (size) => {
    if (at + size > pool.length) {
      pool = randomBytes(POOL_BYTES);
      at = 0;
    }
    at += size;
    return pool.subarray(at - size, at);
  };
}

/** A new UUID v7 from the system's clock and randomness. */
export const newId: () => string = createIdSource(systemClock, pooled());
