/** Why an address does not play, as the server says it. */
import { problemOf } from '../api.ts';
import type { Trouble } from './recovery.ts';
import { troubleOf } from './recovery.ts';

/** Asks for one byte. Null: the server would send it. */
export async function readTrouble(url: string, signal: AbortSignal): Promise<Trouble | null> {
  try {
    const response = await fetch(url, { headers: { range: 'bytes=0-0' }, signal, credentials: 'same-origin' });
    if (response.ok) {
      await response.body?.cancel();
      return null;
    }
    return troubleFrom(response.status, await response.text(), response.headers.get('retry-after'));
  } catch {
    return troubleOf(0);
  }
}

/** `text`: a problem as JSON, or anything. */
export function troubleFrom(status: number, text: string, retryAfter: string | null): Trouble {
  if (status === 0) return troubleOf(0);
  const { code, message, retryAfterSeconds } = problemOf(status, text, retryAfter);
  return troubleOf(status, code, code === 'unknown' ? null : message, retryAfterSeconds);
}
