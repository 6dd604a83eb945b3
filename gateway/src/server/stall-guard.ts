import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, type Logger, StalledClient } from '@reelay/runtime';
import type { Requests } from './requests.ts';

export interface StallGuardOptions {
  /** Asked at each check. */
  limitMs: () => number;
  requests: Requests;
  clock: Clock;
  logger: Logger;
}

interface Watched {
  incoming: IncomingMessage;
  socket: Socket;
  sent: number;
  received: number;
  movedAtMs: number;
}

/**
 * Cuts off clients that neither take what they asked for nor send what they announced. A silent answer (an event
 * stream, an encoder that thinks) is no stall: only bytes that wait to be taken count.
 */
export class StallGuard {
  readonly #options: StallGuardOptions;
  readonly #watched = new Set<Watched>();
  #everyMs = 0;
  #end: () => void = () => {};

  constructor(options: StallGuardOptions) {
    this.#options = options;
    this.retime();
  }

  /** The limit may have changed: looks as often as it asks for. */
  retime(): void {
    const { clock, limitMs } = this.#options;
    const everyMs = Math.max(50, Math.min(5_000, limitMs() / 4));
    if (everyMs === this.#everyMs) return;
    this.#end();
    this.#everyMs = everyMs;
    this.#end = clock.every(everyMs, () => this.check());
  }

  watch(server: Server): void {
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const { socket } = incoming;
      const entry: Watched = { incoming, socket, sent: 0, received: socket.bytesRead, movedAtMs: this.#options.clock.monotonicMs() };
      this.#watched.add(entry);
      outgoing.once('close', () => this.#watched.delete(entry));
    });
  }

  check(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const entry of this.#watched) {
      const { socket, incoming } = entry;
      const sent = socket.bytesWritten - socket.writableLength;
      const waits = socket.writableLength > 0 || !incoming.complete;
      if (!waits || sent !== entry.sent || socket.bytesRead !== entry.received) {
        entry.sent = sent;
        entry.received = socket.bytesRead;
        entry.movedAtMs = nowMs;
      } else if (nowMs - entry.movedAtMs >= this.#options.limitMs()) {
        this.#watched.delete(entry);
        this.#options.logger.info({ stalledMs: Math.round(nowMs - entry.movedAtMs), sending: socket.writableLength > 0 }, 'stalled client cut off');
        this.#options.requests.of(incoming)?.cancel(new StalledClient(Math.round(nowMs - entry.movedAtMs)));
        socket.destroy();
      }
    }
  }

  stop(): void {
    this.#end();
    this.#watched.clear();
  }
}
