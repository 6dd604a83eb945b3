const LATEST_MS = 2_000;
/** For browsers that do not tell when they are idle (Safari before 26). */
const GUESS_MS = 300;

/** Calls `run` when the browser has nothing else to do. Returns how to take it back. */
export function whenIdle(run: () => void): () => void {
  if (typeof requestIdleCallback !== 'function') {
    const timer = setTimeout(run, GUESS_MS);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(run, { timeout: LATEST_MS });
  return () => cancelIdleCallback(handle);
}

/** Whether the visitor has asked their browser to load as little as it can. */
export const savesData = (): boolean =>
  'connection' in navigator && typeof navigator.connection === 'object' && navigator.connection !== null && 'saveData' in navigator.connection && navigator.connection.saveData === true;
