import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps, Server as HttpsServer } from 'node:https';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { type Accepted, ClientGone, type Clock, type Ctx, delay, listenFailure, type Logger, type Service, Shutdown, waitAtMost } from '@reelay/runtime';
import { withDirectBodies } from '../http/direct-body.ts';
import type { App } from '../http/env.ts';
import type { GatewaySettings } from '../settings.ts';
import { Connections } from './connections.ts';
import type { Drain } from './drain.ts';
import type { FastPath } from './fast-path.ts';
import type { Requests } from './requests.ts';
import { StallGuard } from './stall-guard.ts';
import { readTlsFiles, type TlsFiles } from './tls-files.ts';

/**
 * Proxies with passive checks meet their refusals before the port closes: until nobody has connected for a while, but no
 * longer than this. Node takes one waiting connection in each turn of its loop (measured), so a busy gateway needs the time.
 */
const REFUSING_MS = 5_000;
/** Before that: each answer ends its connection, so that proxies put none aside. Longer than they keep an idle one. */
const LAST_CONNECTIONS_MS = 2_000;
const NOBODY_CAME_MS = 250;
const LOOK_MS = 50;
/**
 * After the port closed a connection is kept for so long, in case that its next request is on its way. Behind a proxy it
 * is the proxy that closes it, and sends nothing on it afterwards.
 */
const QUIET_MS = { behindProxy: 1_500, alone: 200 };
const DEFAULT_GRACE_MS = 4_000;
/** From the end of the contexts to the end of the sockets. */
const LAST_WORDS_MS = 500;
const SWEEP_MS = 100;
/** Connections that wait to be accepted: thousands of browsers may come back at once. The kernel cuts it to its own limit. */
const BACKLOG = 8_192;

export interface HttpServerOptions {
  app: App;
  /** In front of the application. */
  fastPath?: Pick<FastPath, 'before'> | undefined;
  settings: GatewaySettings;
  drain: Drain;
  requests: Requests;
  clock: Clock;
  logger: Logger;
  /** Requests in flight may end by themselves within this time after the port was closed. Default 4 s. */
  graceMs?: (() => number) | undefined;
}

/**
 * The listening server.
 *
 *   off ──start──▶ listening ──stop──▶ draining, refusing (see Drain) ──▶ port closed ──all answered──▶ closed
 *                                                                             └──grace over──▶ the rest cut ──▲
 */
export class HttpServer implements Service {
  readonly name = 'http server';
  readonly #options: HttpServerOptions;
  readonly #clock: Clock;
  readonly #guard: StallGuard;
  readonly #connections: Connections;
  #server: Server | undefined;
  #tls: TlsFiles | null = null;
  #stopping: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    const { settings, requests, clock, logger } = options;
    this.#options = options;
    this.#clock = clock;
    this.#connections = new Connections(clock, (incoming) => requests.of(incoming)?.cancel(new ClientGone()));
    this.#guard = new StallGuard({ limitMs: () => settings.REELAY_STALL_TIMEOUT_SECONDS * 1000, requests, clock, logger });
  }

  /** Of `stopMs`: how long it serves on for the sake of balancers, in milliseconds. */
  get leaveMs(): number {
    return this.#drainMs > 0 ? this.#drainMs + REFUSING_MS : 0;
  }

  /** The longest that `stop` takes, in milliseconds. */
  get stopMs(): number {
    return this.leaveMs + this.#graceMs + LAST_WORDS_MS + 500;
  }

  get #graceMs(): number {
    return this.#options.graceMs?.() ?? DEFAULT_GRACE_MS;
  }

  get #drainMs(): number {
    return this.#options.settings.REELAY_DRAIN_SECONDS * 1000;
  }

  /** The port in use. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0;
  }

  /** For a reload: the next connection gets the next certificate, those that are open go on. @throws TlsFilesInvalid */
  prepare(next: GatewaySettings): Accepted {
    const tls = readTlsFiles(next);
    const server = this.#server;
    const renewed = tls !== null && this.#tls !== null && !(tls.cert.equals(this.#tls.cert) && tls.key.equals(this.#tls.key));
    return {
      changed: renewed ? ['the TLS certificate'] : [],
      commit: () => {
        if (server !== undefined) Object.assign(server, timeoutsOf(next));
        if (renewed && server instanceof HttpsServer) server.setSecureContext(tls);
        this.#tls = tls;
        this.#guard.retime();
      },
    };
  }

  /** @throws PortUnavailable, TlsFilesInvalid */
  async start(_ctx: Ctx): Promise<void> {
    const { PORT, HOST } = this.#options.settings;
    const server = this.#create();
    const failure = await new Promise<Error | null>((resolve) => {
      server.once('error', resolve);
      server.listen({ port: PORT, host: HOST, backlog: BACKLOG }, () => resolve(null));
    });
    if (failure !== null) throw await listenFailure(HOST, PORT, failure);
    this.#server = server;
    this.#guard.watch(server);
    this.#connections.watch(server);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    const { drain } = this.#options;
    drain.enter('draining');
    this.#connections.endOld();
    const server = this.#server;
    if (server !== undefined && this.#drainMs > 0) {
      const lastMs = Math.min(this.#drainMs, LAST_CONNECTIONS_MS);
      await delay(this.#clock, this.#drainMs - lastMs);
      this.#connections.endNew();
      await delay(this.#clock, lastMs);
      drain.enter('refusing');
      await this.#untilNobodyComes();
    }
    this.#connections.endNew();
    drain.enter('closing');
    // At once, while nobody waits to be accepted.
    if (server !== undefined) await this.#closeServer(server);
    this.#guard.stop();
  }

  async #untilNobodyComes(): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + REFUSING_MS;
    while (this.#clock.monotonicMs() < untilMs) {
      await delay(this.#clock, LOOK_MS);
      // Who came while something else kept the loop busy is not seen yet.
      await setImmediate();
      await setImmediate();
      if (this.#connections.sinceMadeMs >= NOBODY_CAME_MS) return;
    }
  }

  async #closeServer(server: Server): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      // Only the port: the method of the HTTP server would also close connections whose first request is on its way.
      NetServer.prototype.close.call(server, () => resolve());
    });
    const quietMs = this.#drainMs > 0 ? QUIET_MS.behindProxy : QUIET_MS.alone;
    const closeQuiet = () => this.#connections.closeQuiet(quietMs);
    closeQuiet();
    const endSweep = this.#clock.every(SWEEP_MS, closeQuiet);
    const graceMs = this.#graceMs;
    const inTime = await waitAtMost(this.#clock, graceMs, closed);
    if (!inTime) await this.#cut(closed, graceMs);
    endSweep();
  }

  /** The deadline: contexts first, so that an upload can still say how far it came. */
  async #cut(closed: Promise<void>, graceMs: number): Promise<void> {
    const { requests, logger } = this.#options;
    const cut = requests.countByKind();
    if (Object.keys(cut).length > 0) logger.warn({ cut, graceMs }, 'requests cut off, they did not end in time');
    requests.cancelAll(new Shutdown(`not over ${graceMs} ms after the port was closed`));
    await waitAtMost(this.#clock, LAST_WORDS_MS, closed);
    this.#connections.destroyAll();
    await closed;
  }

  #create(): Server {
    const { app, fastPath, settings } = this.#options;
    this.#tls = readTlsFiles(settings);
    const answer = getRequestListener(withDirectBodies(app.fetch));
    // It answers each failure itself.
    const application: RequestListener = (incoming, outgoing) => void answer(incoming, outgoing);
    const listener = fastPath?.before(application) ?? application;
    const options = {
      // No limit on a whole request: it would cut uploads. Stalled ones are found by the guard.
      requestTimeout: 0,
      ...timeoutsOf(settings),
      connectionsCheckingInterval: 5_000,
    };
    return this.#tls === null ? createHttp(options, listener) : createHttps({ ...options, ...this.#tls }, listener);
  }
}

const timeoutsOf = (settings: GatewaySettings): { headersTimeout: number; keepAliveTimeout: number } => ({
  headersTimeout: settings.REELAY_HEADER_TIMEOUT_SECONDS * 1000,
  keepAliveTimeout: settings.REELAY_IDLE_TIMEOUT_SECONDS * 1000,
});
