/** Resolves with the first value of `probe` that is not undefined, null or false. @throws when none came in time */
export async function eventually<T>(what: string, probe: () => T | Promise<T>, timeoutMs = 20_000): Promise<NonNullable<Exclude<T, false>>> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<Exclude<T, false>>;
    if (performance.now() > endMs) throw new Error(`gave up waiting for ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 15);
    });
  }
}
