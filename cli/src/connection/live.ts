/** Server-Sent Events that go on after a lost connection, at the place where they were. */
import { type Clock, delay } from '@reelay/runtime';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { ApiRefusal, Unreachable } from '../errors.ts';
import type { ApiClient } from './api-client.ts';

export interface LiveOptions {
  clock: Clock;
  /** How long to try again when nothing answers, counted from the last event. */
  retryForMs: number;
  signal?: AbortSignal;
  /** Called once per interruption. */
  onInterrupted?: (why: string) => void;
}

/** `opened`: a connection stands, so what was missed can be asked for. */
export type LiveMessage = { kind: 'opened' } | { kind: 'event'; event: string; data: string };

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 2_000;
const PASSING = new Set([429, 502, 503, 504]);

const isPassing = (error: unknown): boolean => error instanceof Unreachable || (error instanceof ApiRefusal && PASSING.has(error.status));

/**
 *   connecting ──answer──▶ open ──connection lost──▶ waiting ──delay──▶ connecting …
 *        └──refused for good, or nothing for too long──▶ throws
 *
 * An event counts once it is whole; the next connection asks for what follows the last whole one.
 * @throws ApiRefusal, Unreachable
 */
export async function* live(api: ApiClient, path: string, options: LiveOptions): AsyncGenerator<LiveMessage> {
  const { clock, retryForMs, signal, onInterrupted } = options;
  let lastId: string | undefined;
  let retryMs = FIRST_RETRY_MS;
  let lastHeardMs = clock.monotonicMs();
  for (;;) {
    let why = 'the connection was closed';
    try {
      const response = await api.open('GET', path, {
        limitMs: null,
        headers: { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
        ...(signal === undefined ? {} : { signal }),
      });
      yield { kind: 'opened' };
      for await (const message of eventsOf(response)) {
        lastHeardMs = clock.monotonicMs();
        retryMs = FIRST_RETRY_MS;
        if (message.id !== undefined) lastId = message.id;
        if (message.data !== '') yield { kind: 'event', event: message.event ?? 'message', data: message.data };
      }
    } catch (error) {
      if (signal?.aborted === true) return;
      if (!isPassing(error) && !isBroken(error)) throw error;
      if (clock.monotonicMs() - lastHeardMs > retryForMs) throw error instanceof Unreachable || error instanceof ApiRefusal ? error : new Unreachable(api.url, 'the connection broke', false, error);
      why = error instanceof Error ? error.message : why;
    }
    if (signal?.aborted === true) return;
    if (retryMs === FIRST_RETRY_MS) onInterrupted?.(why);
    await delay(clock, retryMs);
    retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
  }
}

/** A body that breaks off is a TypeError of fetch ("terminated"). */
const isBroken = (error: unknown): boolean => error instanceof TypeError;

async function* eventsOf(response: Response): AsyncGenerator<{ id?: string | undefined; event?: string | undefined; data: string }> {
  if (response.body === null) return;
  yield* response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
}
