import { readFileSync } from 'node:fs';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type Clock, type Ctx, errorCode, type Logger, ReelayError, type Service } from '@reelay/runtime';
import type { App } from '../http/env.ts';
import type { GatewaySettings } from '../settings.ts';
import { StallGuard } from './stall-guard.ts';

/** The HTTP port cannot be had. */
class PortUnavailable extends ReelayError {
  readonly code = 'port_unavailable';
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is used by another program; set PORT to a free one',
  EACCES: 'may not be used by this user; set PORT to one above 1023',
  EADDRNOTAVAIL: 'is not on this machine; check HOST',
};
/** Requests in flight may end by themselves within this time when stopping. */
const GRACE_MS = 4_000;

/**
 * The listening server.
 *
 *   off ──start──▶ listening ──stop──▶ refusing new connections, idle ones closed ──all ended, or grace over──▶ closed
 */
export class HttpServer implements Service {
  readonly name = 'http server';
  readonly #app: App;
  readonly #settings: GatewaySettings;
  readonly #clock: Clock;
  readonly #guard: StallGuard;
  #server: Server | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: { app: App; settings: GatewaySettings; clock: Clock; logger: Logger }) {
    this.#app = options.app;
    this.#settings = options.settings;
    this.#clock = options.clock;
    this.#guard = new StallGuard({ limitMs: options.settings.REELAY_STALL_TIMEOUT_SECONDS * 1000, clock: options.clock, logger: options.logger });
  }

  /** The port in use. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0;
  }

  /** @throws PortUnavailable */
  async start(_ctx: Ctx): Promise<void> {
    const { PORT, HOST } = this.#settings;
    const server = this.#create();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        const reason = REASONS[errorCode(error) ?? ''] ?? `cannot be used (${errorCode(error) ?? 'unknown error'})`;
        reject(new PortUnavailable(`port ${PORT} on ${HOST} ${reason}`, { port: PORT, host: HOST }, error));
      });
      server.listen(PORT, HOST, resolve);
    });
    this.#server = server;
    this.#guard.watch(server);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeIdleConnections();
    // A connection that becomes idle after close() stays open by itself.
    const endSweep = this.#clock.every(100, () => server.closeIdleConnections());
    const endGrace = this.#clock.after(GRACE_MS, () => server.closeAllConnections());
    await closed;
    endSweep();
    endGrace();
    this.#guard.stop();
  }

  #create(): Server {
    const { REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key } = this.#settings;
    if ((cert === undefined) !== (key === undefined)) throw new PortUnavailable('REELAY_TLS_CERT and REELAY_TLS_KEY must be given together');
    const options = {
      // No limit on a whole request: it would cut uploads. Stalled ones are found by the guard.
      requestTimeout: 0,
      headersTimeout: this.#settings.REELAY_HEADER_TIMEOUT_SECONDS * 1000,
      keepAliveTimeout: this.#settings.REELAY_IDLE_TIMEOUT_SECONDS * 1000,
      connectionsCheckingInterval: 5_000,
    };
    const made = cert === undefined || key === undefined
      ? createAdaptorServer({ fetch: this.#app.fetch, createServer: createHttp, serverOptions: options })
      : createAdaptorServer({ fetch: this.#app.fetch, createServer: createHttps, serverOptions: { ...options, cert: readFileSync(cert), key: readFileSync(key) } });
    return made as Server;
  }
}
