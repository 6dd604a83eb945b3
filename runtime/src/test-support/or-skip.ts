import type { TestContext } from 'vitest';

/** The value; without one the test is skipped with the reason. */
export function orSkip<T>(value: T | null, context: TestContext, why: string): T {
  return value === null ? context.skip(why) : value;
}
