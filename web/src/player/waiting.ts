/** What to say while the picture waits for data. Pure. */
import type { Trouble } from './recovery.ts';

export interface Waiting {
  /** What stands in the way, when it is known. */
  readonly trouble: Trouble | null;
  /** When the next try is, in ms since 1970. */
  readonly retryAtMs: number | null;
  readonly nowMs: number;
  readonly isOnline: boolean;
  /** What is asked for is encoded while somebody watches. */
  readonly isEncoded: boolean;
  readonly isSlow: boolean;
}

/** One or two sentences for the viewer. */
export function waitingText({ trouble, retryAtMs, nowMs, isOnline, isEncoded, isSlow }: Waiting): string {
  if (!isOnline) return 'This device is offline. It goes on when the connection is back.';
  if (trouble !== null) return `${causeOf(trouble)} ${againIn(retryAtMs, nowMs)}`;
  if (isEncoded) return isSlow ? 'Still waiting for the encoder; it is slower than usual.' : 'A node is starting the encode.';
  return isSlow ? 'Waiting for data. The connection is slow.' : 'Waiting for data.';
}

function causeOf({ fault, sentence }: Trouble): string {
  if (fault === 'away') return 'The server is away.';
  if (sentence === null) return fault === 'encoding' ? 'The video could not be encoded.' : 'The server is busy.';
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

function againIn(retryAtMs: number | null, nowMs: number): string {
  const seconds = retryAtMs === null ? 0 : Math.ceil((retryAtMs - nowMs) / 1000);
  return seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again now.';
}
