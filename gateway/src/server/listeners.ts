import type { Accepted, Clock, Ctx, LiveSettings, Logger, Service } from '@reelay/runtime';
import type { App } from '../http/env.ts';
import type { GatewaySettings, gatewaySettings } from '../settings.ts';
import type { Drain } from './drain.ts';
import type { FastPath } from './fast-path.ts';
import { HttpServer } from './http-server.ts';
import type { Requests } from './requests.ts';

export interface ListenersOptions {
  app: App;
  /** In front of the application. */
  fastPath?: Pick<FastPath, 'before'> | undefined;
  settings: LiveSettings<typeof gatewaySettings>;
  drain: Drain;
  requests: Requests;
  clock: Clock;
  logger: Logger;
}

const LOOPBACK = '127.0.0.1';
/** Of the shutdown time: what requests in flight get after the ports were closed. */
const GRACE_SHARE = 0.4;

/** The public port, and the one for programs of this host, which come and go together. */
export class Listeners implements Service {
  readonly name = 'listeners';
  readonly #public: HttpServer;
  readonly #local: HttpServer | null;

  constructor({ settings: live, ...options }: ListenersOptions) {
    const { REELAY_LOCAL_PORT: localPort } = live.current;
    const graceMs = () => live.current.SHUTDOWN_TIMEOUT * 1000 * GRACE_SHARE;
    this.#public = new HttpServer({ ...options, graceMs, settings: live.values });
    this.#local = localPort === undefined ? null : new HttpServer({ ...options, graceMs, settings: localSettings(live.current, localPort) });
  }

  /** The public port. */
  get port(): number {
    return this.#public.port;
  }

  get leaveMs(): number {
    return this.#public.leaveMs;
  }

  get stopMs(): number {
    return this.#public.stopMs;
  }

  /** @throws PortUnavailable, TlsFilesInvalid */
  async start(ctx: Ctx): Promise<void> {
    await Promise.all([this.#public.start(ctx), this.#local?.start(ctx)]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#public.stop(), this.#local?.stop()]);
  }

  /** For a reload. @throws TlsFilesInvalid */
  prepare(next: GatewaySettings): Accepted {
    return this.#public.prepare(next);
  }
}

const localSettings = (settings: GatewaySettings, port: number): GatewaySettings => ({ ...settings, HOST: LOOPBACK, PORT: port, REELAY_TLS_CERT: undefined, REELAY_TLS_KEY: undefined });
