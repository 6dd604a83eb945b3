import type { MemorySample } from './memory-sample.ts';

/** `soft`: take no new batch work. `hard`: end some before the kernel does. */
export type MemoryLevel = 'ok' | 'soft' | 'hard';

/** The scarcest memory, and how much of the last interval somebody waited for it. */
export interface MemoryReading extends MemorySample {
  /** Null where the kernel does not say. */
  stalledPercent: number | null;
}

const BYTES_PER_GIB = 1_073_741_824;
/** Below the share of the total, or below the amount on large hosts, whichever is less. */
const SOFT = { share: 0.12, bytes: 4 * BYTES_PER_GIB, stalledPercent: 20 };
const HARD = { share: 0.06, bytes: 1.5 * BYTES_PER_GIB, stalledPercent: 40 };
/** A level is left only when there is so much more than what it was entered at. */
const LEAVE_FACTOR = 1.5;

const softBytes = (totalBytes: number): number => Math.min(SOFT.share * totalBytes, SOFT.bytes);
const hardBytes = (totalBytes: number): number => Math.min(HARD.share * totalBytes, HARD.bytes);

const headroom = ({ availableBytes, totalBytes }: MemorySample): number => availableBytes / Math.max(1, softBytes(totalBytes));

/** The keeper that is nearest to its bound. */
export function scarcest(samples: readonly MemorySample[]): MemorySample | null {
  return samples.reduce<MemorySample | null>((least, sample) => (least === null || headroom(sample) < headroom(least) ? sample : least), null);
}

/**
 * The level after a reading.
 *
 *   ok ◀──▶ soft ◀──▶ hard      up at the bound; down at one and a half times the bound
 *    └────────▶───────┘         and half the waiting, one step at a time
 *
 * Waiting alone says nothing: a neighbour with a tight limit makes the host's figure rise while there is enough. So it
 * counts only when memory is scarce as well.
 */
export function nextLevel(level: MemoryLevel, { availableBytes, totalBytes, stalledPercent }: MemoryReading): MemoryLevel {
  const soft = softBytes(totalBytes);
  const hard = hardBytes(totalBytes);
  const stalled = stalledPercent ?? 0;
  if (availableBytes < hard || (stalled >= HARD.stalledPercent && availableBytes < soft)) return 'hard';
  if (level === 'hard' && (availableBytes < hard * LEAVE_FACTOR || (stalled >= HARD.stalledPercent / 2 && availableBytes < soft))) return 'hard';
  if (availableBytes < soft || (stalled >= SOFT.stalledPercent && availableBytes < 2 * soft)) return 'soft';
  if (level !== 'ok' && (level === 'hard' || availableBytes < soft * LEAVE_FACTOR || (stalled >= SOFT.stalledPercent / 2 && availableBytes < 2 * soft))) return 'soft';
  return 'ok';
}
