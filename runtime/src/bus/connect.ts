import { readFileSync } from 'node:fs';
import { type Authenticator, connect, type ConnectionOptions, credsAuthenticator, ErrorCode, type NatsConnection, tokenAuthenticator, usernamePasswordAuthenticator } from 'nats';
import { type Clock, systemClock } from '../clock.ts';
import { Ctx } from '../ctx.ts';
import { sleep, unlessCancelled } from '../ctx-wait.ts';
import { errorCode } from '../errors.ts';
import { fileTrouble } from '../files/file-trouble.ts';
import { type Logger, redactUrl } from '../log.ts';
import type { Bus } from './bus.ts';
import { BusCredentialsRefused, BusSignInRefused, BusUnreachable, JetStreamMissing } from './errors.ts';
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
  /** Ends the waiting for the first connection. */
  ctx?: Ctx | undefined;
  /** The server must have JetStream. */
  jetStream?: boolean | undefined;
}

const RETRY_MS = 250;
/** The credentials file. */
const UNREADABLE: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EPERM']);

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

/** Wrong or revoked credentials. A server that has just started may not know the account for a moment. */
const REFUSED: ReadonlySet<string> = new Set([ErrorCode.AuthorizationViolation, ErrorCode.AuthenticationExpired, ErrorCode.AccountExpired, ErrorCode.BadAuthentication]);
const REFUSED_FOR_GOOD_MS = 3_000;

/** The error that ends the waiting, or null to try again. */
function finalError(error: unknown, refusal: unknown, { url, credsPath }: ConnectBusOptions, waitMs: number, waitedMs: number): Error | null {
  const path = typeof credsPath === 'function' ? credsPath() : credsPath;
  const shown = redactUrl(url);
  const code = errorCode(error) ?? 'unknown';
  if (path !== undefined && UNREADABLE.has(code)) return new BusCredentialsRefused(path, fileTrouble(error), error);
  if (REFUSED.has(code) && waitedMs > Math.min(waitMs, REFUSED_FOR_GOOD_MS)) return new BusSignInRefused(shown, path, error);
  if (waitedMs + RETRY_MS < waitMs) return null;
  // The last try may have had too little time to be refused too.
  return refusal === undefined ? new BusUnreachable(shown, waitMs, error) : new BusSignInRefused(shown, path, refusal);
}

/**
 * Connects, trying again until `waitMs` is over; afterwards the bus reconnects for ever.
 * @throws BusUnreachable, BusSignInRefused, BusCredentialsRefused, JetStreamMissing, or the cause when `ctx` ends
 */
export async function connectBus(options: ConnectBusOptions): Promise<Bus> {
  const { ctx = Ctx.root('connect'), clock = systemClock, waitMs = 10_000, logger, url } = options;
  const startedMs = clock.monotonicMs();
  let told = false;
  let refusal: unknown;
  for (;;) {
    const waitedMs = clock.monotonicMs() - startedMs;
    try {
      const nc = await connectOnce(ctx, natsOptions(options, Math.max(RETRY_MS, Math.min(5_000, waitMs - waitedMs))));
      if (options.jetStream && nc.info?.jetstream !== true) {
        await nc.close();
        throw new JetStreamMissing(redactUrl(url));
      }
      logger.info({ server: nc.getServer() }, 'bus connected');
      return new NatsBus(nc, logger, clock);
    } catch (error) {
      ctx.throwIfCancelled();
      if (REFUSED.has(errorCode(error) ?? '')) refusal = error;
      const final = error instanceof JetStreamMissing ? error : finalError(error, refusal, options, waitMs, clock.monotonicMs() - startedMs);
      if (final) throw final;
      if (!told) logger.warn({ server: redactUrl(url), code: errorCode(error) }, 'NATS cannot be reached, trying on');
      told = true;
      await sleep(ctx, clock, RETRY_MS);
    }
  }
}

/** A connection that comes after the end of `ctx` is closed again. */
async function connectOnce(ctx: Ctx, options: ConnectionOptions): Promise<NatsConnection> {
  const connecting = connect(options);
  try {
    return await unlessCancelled(ctx, connecting);
  } catch (error) {
    if (ctx.cancelled) void connecting.then((late) => late.close()).catch(() => {});
    throw error;
  }
}
