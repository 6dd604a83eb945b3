import { Events, headers, type Msg, type NatsConnection, NatsError, type Subscription } from 'nats';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { errorCode, ReelayError, toError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Bus, BusStats, BusStatus, BusSubscription, MessageInfo, RequestOptions, ServeOptions, SubscribeOptions } from './bus.ts';
import { decode, encode } from './codec.ts';
import { BusClosed, BusDisconnected, BusForbidden, MessageTooLarge, NoResponders, RemoteError, RequestTimeout } from './errors.ts';

/** Header that marks a reply as an error, so that a reply of the same shape stays a reply. */
const ERROR_HEADER = 'Reelay-Error';
const DEFAULT_MAX_IN_FLIGHT = 256;
const FLUSH_BEFORE_MS = 1_000;

interface OpenSubscription extends BusSubscription {
  badMessages: number;
  refused: number;
}

function translate(error: unknown, subject: string, timeoutMs: number): Error {
  if (!(error instanceof NatsError)) return toError(error);
  switch (error.code) {
    case '503':
      return new NoResponders(subject);
    case 'TIMEOUT':
      return new RequestTimeout(subject, timeoutMs);
    case 'CONNECTION_CLOSED':
    case 'CONNECTION_DRAINING':
      return new BusClosed();
    case 'DISCONNECT':
    case 'CANCELLED':
      return new BusDisconnected(subject);
    case 'PERMISSIONS_VIOLATION':
      return new BusForbidden(subject);
    default:
      return error;
  }
}

/**
 *   connected ──connection lost──▶ disconnected ──(retried for ever)──▶ connected (reconnected)
 *       └───────────────┬───────────────┘
 *                    close() ──▶ closed
 */
export class NatsBus implements Bus {
  readonly #nc: NatsConnection;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #statusFns = new Set<(status: BusStatus) => void>();
  readonly #stats: BusStats = { dropped: 0, badMessages: 0, handlerErrors: 0, reconnects: 0 };
  #connected = true;
  #closing: Promise<void> | undefined;

  constructor(nc: NatsConnection, logger: Logger, clock: Clock) {
    this.#nc = nc;
    this.#logger = logger;
    this.#clock = clock;
    this.#watch().catch((error: unknown) => this.#logger.error({ err: toError(error) }, 'bus status ended'));
  }

  get isConnected(): boolean {
    return this.#connected && !this.#nc.isClosed();
  }

  get stats(): Readonly<BusStats> {
    return this.#stats;
  }

  publish(subject: string, value: unknown): boolean {
    if (this.#nc.isClosed() || this.#nc.isDraining()) throw new BusClosed();
    if (!this.#connected) {
      // The client would keep it in memory without a bound until the server is back.
      this.#stats.dropped += 1;
      return false;
    }
    this.#nc.publish(subject, this.#encode(subject, value));
    return true;
  }

  async request<T>(subject: string, value: unknown, { timeoutMs, schema }: RequestOptions<T>): Promise<T> {
    if (this.#closing) throw new BusClosed();
    if (!this.#connected) throw new BusDisconnected(subject);
    let reply: Msg;
    try {
      reply = await this.#nc.request(subject, this.#encode(subject, value), { timeout: timeoutMs });
    } catch (error) {
      throw translate(error, subject, timeoutMs);
    }
    const remoteCode = reply.headers?.get(ERROR_HEADER);
    if (remoteCode) throw new RemoteError(subject, remoteCode, remoteMessage(reply));
    return decode(subject, reply.data, schema);
  }

  serve<T>(subject: string, options: ServeOptions, schema: z.ZodType<T>, handler: (message: T, info: MessageInfo) => unknown): BusSubscription {
    const limit = options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT;
    let inFlight = 0;
    return this.#open(subject, options.queue, (msg, state) => {
      if (inFlight >= limit) {
        state.refused += 1;
        this.#respondError(msg, 'busy', `more than ${limit} requests at once`);
        return;
      }
      inFlight += 1;
      void this.#handle(msg, state, schema, handler).finally(() => {
        inFlight -= 1;
      });
    });
  }

  subscribe<T>(subject: string, schema: z.ZodType<T>, fn: (message: T, info: MessageInfo) => void, options: SubscribeOptions = {}): BusSubscription {
    return this.#open(subject, options.queue, (msg, state) => {
      try {
        fn(decode(msg.subject, msg.data, schema), { subject: msg.subject });
      } catch (error) {
        this.#failed(msg.subject, state, toError(error));
      }
    });
  }

  onStatus(fn: (status: BusStatus) => void): () => void {
    this.#statusFns.add(fn);
    return () => {
      this.#statusFns.delete(fn);
    };
  }

  async flush(timeoutMs = 5_000): Promise<void> {
    if (this.#closing) throw new BusClosed();
    if (!this.#connected) throw new BusDisconnected('flush');
    await this.#within(timeoutMs, this.#nc.flush(), () => new RequestTimeout('flush', timeoutMs));
  }

  async reconnect(): Promise<void> {
    if (this.#closing) throw new BusClosed();
    // Without a connection it is on its way to a new one already.
    if (!this.#connected) return;
    await this.flush(FLUSH_BEFORE_MS).catch((error: unknown) => this.#logger.debug({ err: toError(error) }, 'reconnecting without a flush'));
    await this.#nc.reconnect();
  }

  close(timeoutMs = 2_000): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.#connected && !this.#nc.isClosed()) {
      try {
        await this.#within(timeoutMs, this.#nc.drain(), () => new RequestTimeout('drain', timeoutMs));
      } catch (error) {
        this.#logger.warn({ err: toError(error) }, 'bus closed without draining');
      }
    }
    await this.#nc.close();
    this.#connected = false;
    this.#tell('closed');
    this.#statusFns.clear();
  }

  #within<T>(timeoutMs: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const callOff = this.#clock.after(timeoutMs, () => reject(onTimeout()));
      work.then(resolve, (error: unknown) => reject(toError(error))).finally(callOff);
    });
  }

  #encode(subject: string, value: unknown): Uint8Array {
    const data = encode(value);
    const maxBytes = this.#nc.info?.max_payload ?? 1_048_576;
    if (data.length > maxBytes) throw new MessageTooLarge(subject, data.length, maxBytes);
    return data;
  }

  #open(subject: string, queue: string | undefined, onMessage: (msg: Msg, state: OpenSubscription) => void): BusSubscription {
    if (this.#closing) throw new BusClosed();
    const state: OpenSubscription = { badMessages: 0, refused: 0, unsubscribe: () => subscription.unsubscribe() };
    const subscription: Subscription = this.#nc.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, msg) => {
        if (error) this.#logger.error({ err: translate(error, subject, 0), subject }, 'subscription failed');
        else onMessage(msg, state);
      },
    });
    return state;
  }

  async #handle<T>(msg: Msg, state: OpenSubscription, schema: z.ZodType<T>, handler: (message: T, info: MessageInfo) => unknown): Promise<void> {
    try {
      const reply = await handler(decode(msg.subject, msg.data, schema), { subject: msg.subject });
      if (msg.reply && !this.#nc.isClosed()) msg.respond(this.#encode(msg.subject, reply));
    } catch (thrown) {
      const error = toError(thrown);
      this.#failed(msg.subject, state, error);
      this.#respondError(msg, error instanceof ReelayError ? error.code : 'internal', error instanceof ReelayError ? error.message : 'internal error');
    }
  }

  #failed(subject: string, state: OpenSubscription, error: Error): void {
    if (errorCode(error) === 'bad_message') {
      state.badMessages += 1;
      this.#stats.badMessages += 1;
      // A flood of them is counted, not printed.
      if (state.badMessages === 1) this.#logger.warn({ err: error, subject }, 'bad message');
      return;
    }
    this.#stats.handlerErrors += 1;
    this.#logger.error({ err: error, subject }, 'message handler failed');
  }

  #respondError(msg: Msg, code: string, message: string): void {
    if (!msg.reply || this.#nc.isClosed()) return;
    const marked = headers();
    marked.set(ERROR_HEADER, code);
    try {
      msg.respond(encode({ ok: false, code, message }), { headers: marked });
    } catch (error) {
      this.#logger.warn({ err: toError(error), subject: msg.subject }, 'error reply not sent');
    }
  }

  async #watch(): Promise<void> {
    for await (const event of this.#nc.status()) {
      if (event.type === Events.Disconnect) this.#change(false, 'disconnected');
      else if (event.type === Events.Reconnect) this.#change(true, 'reconnected');
      else if (event.type === Events.Error) this.#logger.warn({ reason: event.data }, 'bus error');
    }
  }

  #change(connected: boolean, status: BusStatus): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    if (connected) this.#stats.reconnects += 1;
    this.#logger.info({ server: this.#nc.getServer() }, connected ? 'bus reconnected' : 'bus disconnected');
    this.#tell(status);
  }

  #tell(status: BusStatus): void {
    for (const fn of this.#statusFns) fn(status);
  }
}

function remoteMessage(reply: Msg): string {
  try {
    const body: unknown = reply.json();
    if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message);
  } catch {
    // The header already says what kind of failure it is.
  }
  return 'the request failed on the other side';
}
