/** Follows a job's log until the job is over and all of it has come, reconnecting after the last line it has. */
import { api } from '../../api.ts';
import { reconnectDelayMs } from '../../live/merge.ts';
import type { SseMessage } from '../../live/sse.ts';
import { readSse } from '../../live/sse.ts';

export interface LogEvents {
  onLines(lines: readonly string[]): void;
  /** `null`: connected. Else why it is not. */
  onTrouble(trouble: string | null): void;
  onEnd(): void;
}

const SILENCE_MS = 45_000;

export function followLog(jobId: string, events: LogEvents): () => void {
  const abort = new AbortController();
  void follow(jobId, events, abort.signal);
  return () => abort.abort();
}

async function follow(jobId: string, events: LogEvents, signal: AbortSignal): Promise<void> {
  let after: string | null = null;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const query: string = new URLSearchParams({ follow: '1', ...(after === null ? {} : { after }) }).toString();
      const response = await fetch(`${api.logPath(jobId)}?${query}`, { headers: { accept: 'text/event-stream' }, signal, credentials: 'same-origin' });
      if (response.status === 404 || response.status === 403) {
        events.onTrouble('There is no log to show.');
        return;
      }
      if (response.ok) {
        events.onTrouble(null);
        failures = 0;
        let over = false;
        await readSse(response, (message) => {
          if (signal.aborted) return;
          if (message.id !== null) after = message.id;
          if (message.event === 'end') over = true;
          else events.onLines(linesIn(message));
        }, SILENCE_MS);
        if (over && !signal.aborted) {
          events.onEnd();
          return;
        }
      }
    } catch {
      // A lost line: told to the reader below, and tried again.
    }
    if (signal.aborted) return;
    events.onTrouble('The log does not follow at the moment. Trying again.');
    await new Promise((resolve) => setTimeout(resolve, reconnectDelayMs(failures, Math.random())));
  }
}

/** `event: lines` carries `{lines: string[]}`. */
function linesIn({ data }: SseMessage): string[] {
  try {
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed !== 'object' || parsed === null || !('lines' in parsed) || !Array.isArray(parsed.lines)) return [];
    return parsed.lines.filter((line) => typeof line === 'string');
  } catch {
    return [];
  }
}
