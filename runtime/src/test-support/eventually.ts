import { vi } from 'vitest';

/** Tries `check` until it stops throwing; patient, because the machine may be busy. */
export function eventually<T>(check: () => T): Promise<T> {
  return vi.waitFor(check, { timeout: 15_000, interval: 10 });
}
