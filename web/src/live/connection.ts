/**
 * One connection to the live events, kept up.
 *
 *   off ── start ─▶ connecting ── answer 200 ─▶ live
 *                      ▲  │                      │ ended, silent, error
 *                      │  └── 401 ─▶ signed-out  ▼
 *                      └───── delay ──────── waiting      (`moving` from a gateway that stops says how long)
 *
 * The id of the last event is sent back on reconnect, so nothing is missed; `reset` from the server means that it
 * could not be honoured.
 */
import type { SseMessage } from './sse.ts';
import { movingMs, readSse, resumeIdAfter } from './sse.ts';
import { reconnectDelayMs } from './merge.ts';

export type ConnectionState = 'off' | 'connecting' | 'live' | 'waiting' | 'signed-out';

const EVENTS_PATH = '/api/media/events';
/** The gateway pings well within this; longer silence is a dead line. */
const SILENCE_MS = 45_000;

export interface ConnectionEvents {
  onMessage(message: SseMessage): void;
  onState(state: ConnectionState): void;
}

export class LiveConnection {
  readonly #events: ConnectionEvents;
  #lastId: string | null = null;
  #abort: AbortController | null = null;
  /** Set by a gateway that stops. */
  #comeBackMs: number | null = null;
  #wake: () => void = () => {};

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  start(lastId: string | null): void {
    if (this.#abort !== null) return;
    this.#lastId = lastId;
    this.#abort = new AbortController();
    void this.#run(this.#abort.signal);
  }

  stop(): void {
    if (this.#abort === null) return;
    this.#abort.abort();
    this.#abort = null;
    this.#wake();
    this.#events.onState('off');
  }

  /** Ends the wait before the next try. */
  tryNow(): void {
    this.#wake();
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      this.#events.onState('connecting');
      const outcome = await this.#once(signal);
      if (signal.aborted) return;
      if (outcome === 'signed-out') {
        this.#abort = null;
        this.#events.onState('signed-out');
        return;
      }
      if (outcome === 'ended') failures = 0;
      this.#events.onState('waiting');
      await this.#sleep(this.#comeBackMs ?? reconnectDelayMs(failures, Math.random()));
      this.#comeBackMs = null;
    }
  }

  async #once(signal: AbortSignal): Promise<'ended' | 'failed' | 'signed-out'> {
    let live = false;
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' };
      if (this.#lastId !== null) headers['last-event-id'] = this.#lastId;
      const response = await fetch(EVENTS_PATH, { headers, signal, credentials: 'same-origin', cache: 'no-store' });
      if (response.status === 401) return 'signed-out';
      if (!response.ok) return 'failed';
      live = true;
      this.#events.onState('live');
      await readSse(response, (message) => {
        if (signal.aborted) return;
        this.#lastId = resumeIdAfter(this.#lastId, message);
        this.#comeBackMs = movingMs(message);
        this.#events.onMessage(message);
      }, SILENCE_MS);
    } catch {
      // Lost line: told apart from a refusal only by whether it was live.
    }
    return live ? 'ended' : 'failed';
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
