import type { z } from 'zod';

/** A running subscription. */
export interface BusSubscription {
  /** Ends it at once; messages already on their way are dropped. */
  unsubscribe(): void;
  /** Messages that could not be decoded. */
  readonly badMessages: number;
  /** Requests refused because too many were being handled. */
  readonly refused: number;
}

export type BusStatus = 'connected' | 'disconnected' | 'reconnected' | 'closed';

export interface MessageInfo {
  /** The subject it was sent to; identity comes from here, never from the payload. */
  subject: string;
}

export interface ServeOptions {
  /** Members of a queue group share the requests. */
  queue?: string | undefined;
  /** Requests handled at the same time; more are answered with the code `busy`. Default 256. */
  maxInFlight?: number | undefined;
}

export interface SubscribeOptions {
  queue?: string | undefined;
}

export interface RequestOptions<T> {
  timeoutMs: number;
  schema: z.ZodType<T>;
}

export interface BusStats {
  /** Publishes dropped because the connection was down. */
  dropped: number;
  badMessages: number;
  handlerErrors: number;
  reconnects: number;
}

/** The message bus: transport only. A lost message may cost time, never a job. */
export interface Bus {
  readonly isConnected: boolean;
  readonly stats: Readonly<BusStats>;
  /** Fire and forget. False: the connection is down and the message was dropped. @throws BusClosed, MessageTooLarge */
  publish(subject: string, value: unknown): boolean;
  /** @throws NoResponders, RequestTimeout, BusDisconnected, BusClosed, BusForbidden, BadMessage, RemoteError, MessageTooLarge */
  request<T>(subject: string, value: unknown, options: RequestOptions<T>): Promise<T>;
  /**
   * Answers requests. A handler's error is answered as `{ok:false, code, message}` and logged; the requester gets
   * it as `RemoteError`. What the schema refuses is answered with the code `bad_message`.
   */
  serve<T>(subject: string, options: ServeOptions, schema: z.ZodType<T>, handler: (message: T, info: MessageInfo) => unknown): BusSubscription;
  /** Calls `fn` for each message, synchronously as it arrives: nothing queues up in this process. */
  subscribe<T>(subject: string, schema: z.ZodType<T>, fn: (message: T, info: MessageInfo) => void, options?: SubscribeOptions): BusSubscription;
  /** Calls `fn` at each change of the connection. Returns how to end that. */
  onStatus(fn: (status: BusStatus) => void): () => void;
  /** Resolves when the server has everything sent so far. @throws BusDisconnected, BusClosed, RequestTimeout */
  flush(timeoutMs?: number): Promise<void>;
  /** Connects anew, with credentials read anew. What is on its way now may be lost. */
  reconnect(): Promise<void>;
  /** Drains (at most `timeoutMs`, default 2 s) and closes. Idempotent. */
  close(timeoutMs?: number): Promise<void>;
}
