/** Over how many seconds the speed is averaged. */
const SPEED_WINDOW_SECONDS = 5;

/** Bytes per second over the last few seconds; null until there is something to measure. `clockMs` is monotonic. */
export function speedometer(clockMs: () => number): (bytes: number) => number | null {
  const samples: { readonly atMs: number; readonly bytes: number }[] = [];
  return (bytes) => {
    const atMs = clockMs();
    // Less than before: what was on its way when a connection broke has to be sent again.
    if (bytes < (samples.at(-1)?.bytes ?? 0)) samples.length = 0;
    samples.push({ atMs, bytes });
    while (samples.length > 2 && atMs - (samples[0]?.atMs ?? atMs) > SPEED_WINDOW_SECONDS * 1000) samples.shift();
    const first = samples[0];
    if (first === undefined || atMs - first.atMs < 500) return null;
    return ((bytes - first.bytes) * 1000) / (atMs - first.atMs);
  };
}
