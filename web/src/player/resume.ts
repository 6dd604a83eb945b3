/** Where each video was left, in this browser. */
import { readStored, writeStored } from '../store/storage.ts';

const KEY = 'reelay.positions';
const MOST = 200;
/** So near the beginning or the end nothing is remembered. */
const EDGE_SECONDS = 10;

type Positions = Readonly<Record<string, readonly [seconds: number, savedAtMs: number]>>;

export function positionAfter(known: Positions, id: string, seconds: number, durationSeconds: number, nowMs: number): Positions {
  const others = Object.entries(known).filter(([other]) => other !== id);
  if (!(seconds > EDGE_SECONDS && seconds < durationSeconds - EDGE_SECONDS)) return Object.fromEntries(others);
  const newestFirst = others.toSorted(([, a], [, b]) => b[1] - a[1]).slice(0, MOST - 1);
  return Object.fromEntries([[id, [Math.round(seconds * 10) / 10, nowMs]], ...newestFirst]);
}

function readPositions(): Positions {
  try {
    const parsed: unknown = JSON.parse(readStored(KEY) ?? '{}');
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, [number, number]] =>
      Array.isArray(entry[1]) && typeof entry[1][0] === 'number' && typeof entry[1][1] === 'number'));
  } catch {
    return {};
  }
}

/** Seconds, or null when it was not left in the middle. */
export const storedPosition = (id: string): number | null => readPositions()[id]?.[0] ?? null;

export function storePosition(id: string, seconds: number, durationSeconds: number): void {
  if (!Number.isFinite(durationSeconds)) return;
  writeStored(KEY, JSON.stringify(positionAfter(readPositions(), id, seconds, durationSeconds, Date.now())));
}

export const forgetPosition = (id: string): void => writeStored(KEY, JSON.stringify(positionAfter(readPositions(), id, 0, 0, 0)));
