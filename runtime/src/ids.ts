import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from './clock.ts';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const MAX_COUNTER = 0xfff;
/** Bytes that a dash stands before. */
const DASHES = new Set([4, 6, 8, 10]);
/** Randomness is fetched for this many ids at a time. */
const POOL_BYTES = 4_000;

function format(ms: number, counter: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16);
  for (let i = 5, rest = ms; i >= 0; i -= 1, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes[6] = 0x70 | (counter >> 8);
  bytes[7] = counter & 0xff;
  bytes.set(random.subarray(2, 10), 8);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  let text = '';
  for (const [i, byte] of bytes.entries()) text += (DASHES.has(i) ? '-' : '') + (HEX[byte] ?? '');
  return text;
}

/**
 * A source of UUID v7 (RFC 9562, method 1: the 12 bits after the version are a counter), so that ids of
 * one source sort in the order they were made, also within a millisecond and when the clock steps back.
 */
export function createIdSource(clock: Pick<Clock, 'now'>, random: (size: number) => Uint8Array): () => string {
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
    return format(lastMs, counter, bytes);
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
