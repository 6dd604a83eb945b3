import { ago, exactTime, secondsBetween, shortTime, span } from '../model/format.ts';
import { nowMs } from '../store/clock.ts';

/** When something happened: "3 min ago" for the last day, then the date; the exact time on hover. */
export function When({ iso, none = '–' }: { iso: string | null; none?: string }) {
  if (iso === null) return <span class="muted">{none}</span>;
  const timeMs = Date.parse(iso);
  const text = nowMs.value - timeMs < 86_400_000 ? ago(timeMs, nowMs.value) : shortTime(timeMs);
  return <time dateTime={iso} title={exactTime(timeMs)}>{text}</time>;
}

/** How long something took, or has been taking. */
export function Took({ from, to }: { from: string | null; to: string | null }) {
  if (from === null) return <span class="muted">–</span>;
  return <span>{span(secondsBetween(from, to, nowMs.value))}</span>;
}
