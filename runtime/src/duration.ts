const UNITS = [
  { ms: 3_600_000, unit: 'h' },
  { ms: 60_000, unit: 'min' },
  { ms: 1_000, unit: 's' },
] as const;
const BYTES_PER_MIB = 1_048_576;

/** A duration for people, in the largest unit that keeps it short: 50 ms, 1.5 s, 30 s, 2 min. */
export function sayDuration(ms: number): string {
  for (const { ms: size, unit } of UNITS) {
    // 90 s stays in seconds: 1.5 min reads worse.
    if (ms >= size && (unit === 's' || ms >= 2 * size)) return `${Math.round((ms / size) * 10) / 10} ${unit}`;
  }
  return `${Math.round(ms)} ms`;
}

/** Bytes for people, in whole MiB, written MB as everywhere in the product. */
export function sayMegabytes(bytes: number): string {
  return `${Math.round(bytes / BYTES_PER_MIB)} MB`;
}
