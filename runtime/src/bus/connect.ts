import { readFileSync } from 'node:fs';
import { type Authenticator, connect, type ConnectionOptions, credsAuthenticator, type NatsConnection, tokenAuthenticator, usernamePasswordAuthenticator } from 'nats';
import { type Clock, delay, systemClock } from '../clock.ts';
import { type Logger, redactUrl } from '../log.ts';
import type { Bus } from './bus.ts';
import { BusUnreachable } from './errors.ts';
import { NatsBus } from './nats-bus.ts';

export interface ConnectBusOptions {
  /** One URL, or several separated by commas. */
  url: string;
  /** Asked, and the file read, at each connect: renewed credentials need no restart. */
  credsPath?: string | (() => string | undefined) | undefined;
  /** Shown in the server's monitoring. */
  name: string;
  /** Subject prefix of this client's reply inboxes, when its permissions allow only that. */
  inboxPrefix?: string | undefined;
  logger: Logger;
  clock?: Clock | undefined;
  /** How long to wait for the first connection. Default 10 s. */
  waitMs?: number | undefined;
}

const RETRY_MS = 250;

/** The client ignores what stands before the @ of a URL, so it is taken from there. */
function authenticatorOf(url: string, credsPath: ConnectBusOptions['credsPath']): Authenticator | undefined {
  const path = (): string | undefined => (typeof credsPath === 'function' ? credsPath() : credsPath);
  if (path() !== undefined) return credsAuthenticator(() => readFileSync(path() ?? ''));
  const { username, password } = new URL(url.split(',')[0] ?? url);
  if (username === '') return undefined;
  const user = decodeURIComponent(username);
  return password === '' ? tokenAuthenticator(user) : usernamePasswordAuthenticator(user, decodeURIComponent(password));
}

function natsOptions({ url, credsPath, name, inboxPrefix }: ConnectBusOptions, handshakeMs: number): ConnectionOptions {
  const authenticator = authenticatorOf(url, credsPath);
  return {
    servers: url.split(',').map((server) => server.trim().replace(/\/\/[^@/]*@/, '//')),
    name,
    timeout: handshakeMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_MS,
    reconnectJitter: RETRY_MS,
    reconnectJitterTLS: 2 * RETRY_MS,
    // Else two refusals in a row, as while credentials are being renewed, would end it for good.
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    ...(authenticator === undefined ? {} : { authenticator }),
  };
}

/** Connects, trying again until `waitMs` is over; afterwards the bus reconnects for ever. @throws BusUnreachable */
export async function connectBus(options: ConnectBusOptions): Promise<Bus> {
  const { clock = systemClock, waitMs = 10_000, logger } = options;
  const startedMs = clock.monotonicMs();
  const leftMs = () => waitMs - (clock.monotonicMs() - startedMs);
  for (;;) {
    let nc: NatsConnection;
    try {
      nc = await connect(natsOptions(options, Math.max(RETRY_MS, Math.min(5_000, leftMs()))));
    } catch (error) {
      if (leftMs() <= RETRY_MS) throw new BusUnreachable(redactUrl(options.url), waitMs, error);
      await delay(clock, RETRY_MS);
      continue;
    }
    logger.info({ server: nc.getServer() }, 'bus connected');
    return new NatsBus(nc, logger, clock);
  }
}
