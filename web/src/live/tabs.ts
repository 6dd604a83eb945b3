/**
 * One connection for all tabs. The tab that holds the lock is the leader: it keeps the connection and passes every
 * message on; when it closes, the lock goes to another tab, which resumes after the last id it heard.
 * Without Web Locks (plain http) each tab has its own, and gives it up while hidden.
 */
import type { ConnectionState } from './connection.ts';
import { LiveConnection } from './connection.ts';
import type { SseMessage } from './sse.ts';
import { resumeIdAfter } from './sse.ts';

type Passed =
  | { readonly kind: 'message'; readonly message: SseMessage }
  | { readonly kind: 'state'; readonly state: ConnectionState }
  | { readonly kind: 'ask' }
  | { readonly kind: 'try-now' };

const NAME = 'reelay-live';

export interface SharedEvents {
  onMessage(message: SseMessage): void;
  onState(state: ConnectionState): void;
}

export class SharedConnection {
  readonly #events: SharedEvents;
  readonly #connection: LiveConnection;
  #channel: BroadcastChannel | null = null;
  #lock: AbortController | null = null;
  #release: () => void = () => {};
  #leads = false;
  #state: ConnectionState = 'off';
  #lastId: string | null = null;
  readonly #onVisibility = (): void => this.#followVisibility();

  constructor(events: SharedEvents) {
    this.#events = events;
    this.#connection = new LiveConnection({
      onMessage: (message) => {
        this.#pass({ kind: 'message', message });
        this.#receive(message);
      },
      onState: (state) => {
        this.#pass({ kind: 'state', state });
        this.#setState(state);
      },
    });
  }

  start(): void {
    if (this.#lock !== null) return;
    this.#lock = new AbortController();
    if (typeof BroadcastChannel === 'undefined' || navigator.locks === undefined) {
      document.addEventListener('visibilitychange', this.#onVisibility);
      this.#followVisibility();
      return;
    }
    this.#channel = new BroadcastChannel(NAME);
    this.#channel.addEventListener('message', ({ data }: MessageEvent<Passed>) => this.#hear(data));
    this.#pass({ kind: 'ask' });
    this.#setState('connecting');
    navigator.locks.request(NAME, { signal: this.#lock.signal }, () => this.#lead()).catch(() => {
      // Aborted by stop() while waiting for the lock.
    });
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#lock?.abort();
    this.#lock = null;
    this.#leads = false;
    this.#lastId = null;
    this.#channel?.close();
    this.#channel = null;
    this.#connection.stop();
    this.#release();
    this.#setState('off');
  }

  tryNow(): void {
    if (!this.#leads) this.#pass({ kind: 'try-now' });
    this.#connection.tryNow();
  }

  #pass(passed: Passed): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has no target origin
    this.#channel?.postMessage(passed);
  }

  /** Keeps the lock until stop(). */
  #lead(): Promise<void> {
    if (this.#lock === null) return Promise.resolve();
    this.#leads = true;
    this.#connection.start(this.#lastId);
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  #hear(passed: Passed): void {
    if (passed.kind === 'ask') {
      if (this.#leads) this.#pass({ kind: 'state', state: this.#state });
    } else if (passed.kind === 'try-now') {
      this.#connection.tryNow();
    } else if (this.#leads) {
      // Two leaders cannot be; a late message of the one before changes nothing.
    } else if (passed.kind === 'message') {
      this.#receive(passed.message);
    } else {
      this.#setState(passed.state === 'off' ? 'connecting' : passed.state);
    }
  }

  #followVisibility(): void {
    if (document.hidden) this.#connection.stop();
    else this.#connection.start(this.#lastId);
  }

  #receive(message: SseMessage): void {
    this.#lastId = resumeIdAfter(this.#lastId, message);
    this.#events.onMessage(message);
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#events.onState(state);
  }
}
