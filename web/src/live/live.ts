/** Live events for the pages: typed, pausable, with the time since when the screen is stale. */
import { signal } from '@preact/signals';
import type { LiveEvent } from '@reelay/contracts';
import type { ConnectionState } from './connection.ts';
import type { SseMessage } from './sse.ts';
import { SharedConnection } from './tabs.ts';

/** `reload`: events may have been missed, load what is shown again. */
export type LiveNews = LiveEvent | { readonly event: 'reload' };
type Listener = (news: LiveNews) => void;

export const liveState = signal<ConnectionState>('off');
/** ms since 1970 when the screen stopped following; null while it follows. */
export const staleSinceMs = signal<number | null>(null);
/** Frozen on the user's wish; changes are counted, and shown when the freeze ends. */
export const frozen = signal(false);
export const unseenChanges = signal(0);

/** Figures that move by themselves are no change that somebody misses. */
const UNCOUNTED: ReadonlySet<string> = new Set(['progress', 'stream', 'streams']);
const listeners = new Set<Listener>();
/** A reconnect within this time is not worth a word. */
const STALE_AFTER_MS = 2500;
let staleTimer: ReturnType<typeof setTimeout> | undefined;
let signedOut: () => void = () => {};
/** False until the first hello: a later hello without a resumed id means a gap. */
let greeted = false;

const shared = new SharedConnection({ onMessage: receive, onState: follow });

export function startLive(onSignedOut: () => void): void {
  signedOut = onSignedOut;
  shared.start();
}

export function stopLive(): void {
  greeted = false;
  shared.stop();
  staleSinceMs.value = null;
  frozen.value = false;
  unseenChanges.value = 0;
}

export const retryLive = (): void => shared.tryNow();

/** @returns a function that ends the subscription */
export function onLive(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function setFrozen(value: boolean): void {
  frozen.value = value;
  if (!value && unseenChanges.value > 0) tell({ event: 'reload' });
  unseenChanges.value = 0;
}

function follow(state: ConnectionState): void {
  liveState.value = state;
  if (state === 'live' || state === 'off') {
    clearTimeout(staleTimer);
    staleTimer = undefined;
    staleSinceMs.value = null;
  } else if (state === 'waiting') {
    const since = Date.now();
    staleTimer ??= setTimeout(() => {
      staleSinceMs.value = since;
    }, STALE_AFTER_MS);
  } else if (state === 'signed-out') signedOut();
}

function receive(message: SseMessage): void {
  const news = message.data === '' ? null : decode(message);
  if (news === null) return;
  if (news.event === 'hello') {
    if (greeted) return;
    greeted = true;
    // The lists on the screen may be older than this connection.
    tell({ event: 'reload' });
  } else if (news.event === 'reset') {
    tell({ event: 'reload' });
  } else if (news.event === 'moving') {
    // The connection knows what to do.
  } else if (frozen.value) {
    if (!UNCOUNTED.has(news.event)) unseenChanges.value += 1;
  } else {
    tell(news);
  }
}

function tell(news: LiveNews): void {
  for (const listener of listeners) listener(news);
}

function decode({ event, data }: SseMessage): LiveEvent | null {
  try {
    return { event, data: JSON.parse(data) as unknown } as LiveEvent;
  } catch {
    return null;
  }
}
