/** What is left of `look()` when it becomes empty, or when `limitMs` is over; looks each 5 ms, for processes tell nobody when they end. */
export const untilEmpty = async <T>(look: () => readonly T[] | Promise<readonly T[]>, limitMs: number): Promise<readonly T[]> => {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const left = await look();
    if (left.length === 0 || performance.now() > deadline) return left;
    await pause(5);
  }
};

export const pause = (ms: number): Promise<void> => new Promise((resolve) => {
  setTimeout(resolve, ms);
});
