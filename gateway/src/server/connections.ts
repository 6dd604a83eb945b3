import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '@reelay/runtime';

interface Connection {
  /** Its next answer is its last. */
  ends: boolean;
  /** Requests that are not answered yet, by their answers. */
  readonly open: Map<ServerResponse, IncomingMessage>;
  bytesRead: number;
  quietSinceMs: number;
}

/**
 * The connections of one server: which of them end with their next answer, and since when each is quiet.
 *
 * Node calls a connection idle that has just been made and whose first request is on its way; closing that one fails the
 * request, and a POST is not sent twice by anybody. So quiet ones are found here.
 */
export class Connections {
  readonly #clock: Clock;
  readonly #connections = new Map<Socket, Connection>();
  /** With TLS also those that still negotiate. */
  readonly #sockets = new Set<Socket>();
  #lastMadeMs = -Infinity;
  #newOnesEnd = false;
  readonly #onLost: (incoming: IncomingMessage) => void;

  /** `onLost`: told of each request whose connection is gone before its answer was sent. Node tells an answer that waits for those before it nothing. */
  constructor(clock: Clock, onLost: (incoming: IncomingMessage) => void) {
    this.#clock = clock;
    this.#onLost = onLost;
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#lastMadeMs = this.#clock.monotonicMs();
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      if (!(server instanceof HttpsServer)) this.#add(socket);
    });
    server.on('secureConnection', (socket: Socket) => this.#add(socket));
    // Before the application answers.
    server.prependListener('request', (incoming: IncomingMessage, outgoing: ServerResponse) => this.#began(incoming, outgoing));
  }

  /** For how long nobody has connected, in milliseconds. */
  get sinceMadeMs(): number {
    return this.#clock.monotonicMs() - this.#lastMadeMs;
  }

  /**
   * From now on each connection ends with the answer it waits for, or with its next one: `Connection: close`. Those that
   * are made later stay as they are until `endNew`: a new one for each request is work that a busy gateway cannot spare.
   */
  endOld(): void {
    for (const connection of this.#connections.values()) {
      connection.ends = true;
      for (const outgoing of connection.open.keys()) outgoing.shouldKeepAlive = false;
    }
  }

  /** As `endOld`, also for those that are still to come. */
  endNew(): void {
    this.#newOnesEnd = true;
    this.endOld();
  }

  /** Closes those on which nothing has happened for `quietMs`. */
  closeQuiet(quietMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [socket, connection] of this.#connections) {
      if (connection.open.size > 0) continue;
      if (socket.bytesRead !== connection.bytesRead) {
        connection.bytesRead = socket.bytesRead;
        connection.quietSinceMs = nowMs;
      } else if (nowMs - connection.quietSinceMs >= quietMs) {
        socket.destroySoon();
      }
    }
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #add(socket: Socket): void {
    const open: Connection['open'] = new Map();
    this.#connections.set(socket, { ends: this.#newOnesEnd, open, bytesRead: socket.bytesRead, quietSinceMs: this.#clock.monotonicMs() });
    socket.once('close', () => {
      this.#connections.delete(socket);
      for (const [outgoing, incoming] of open) if (!outgoing.writableFinished) this.#onLost(incoming);
    });
  }

  #began(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming;
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    connection.open.set(outgoing, incoming);
    if (connection.ends) outgoing.shouldKeepAlive = false;
    outgoing.once('close', () => {
      connection.open.delete(outgoing);
      connection.bytesRead = socket.bytesRead;
      connection.quietSinceMs = this.#clock.monotonicMs();
    });
  }
}
