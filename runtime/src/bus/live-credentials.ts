import { readFileSync } from 'node:fs';
import { connect, credsAuthenticator, ErrorCode, NatsError } from 'nats';
import { errorCode, toError } from '../errors.ts';
import type { Accepted } from '../live-settings.ts';
import type { Logger } from '../log.ts';
import type { Bus } from './bus.ts';
import { BusCredentialsRefused } from './errors.ts';

const TRIAL_MS = 3_000;
/** Nothing was learned about the credentials. */
const NOT_REACHED: ReadonlySet<string> = new Set([ErrorCode.ConnectionRefused, ErrorCode.ConnectionTimeout, ErrorCode.Timeout, ErrorCode.ConnectionClosed, ErrorCode.Disconnect, 'ENOTFOUND', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT', 'EAI_AGAIN']);

export interface LiveCredentialsOptions {
  bus: Bus;
  url: string;
  /** The file in use; undefined: the bus was connected without one. */
  path: string | undefined;
  logger: Logger;
}

/**
 * Lets the bus sign in anew when its .creds file has changed. New credentials are tried on a connection of their own
 * first: when the server refuses them, the reload is refused and the bus stays as it is.
 */
export class LiveCredentials {
  readonly #options: LiveCredentialsOptions;
  #content: string | undefined;

  constructor(options: LiveCredentialsOptions) {
    this.#options = options;
    this.#content = options.path === undefined ? undefined : read(options.path);
  }

  /** For a reload. @throws BusCredentialsRefused */
  async prepare(path: string | undefined): Promise<Accepted | undefined> {
    if (path === undefined || this.#content === undefined) return undefined;
    const content = read(path);
    if (content === this.#content) return undefined;
    await this.#try(path, content);
    return {
      changed: ['the credentials in REELAY_NATS_CREDS'],
      commit: () => {
        this.#content = content;
        this.#options.bus.reconnect().catch((error: unknown) => this.#options.logger.warn({ err: toError(error) }, 'bus not signed in anew'));
      },
    };
  }

  async #try(path: string, content: string): Promise<void> {
    const { url, logger } = this.#options;
    try {
      const trial = await connect({
        servers: url.split(',').map((server) => server.trim()), authenticator: credsAuthenticator(new TextEncoder().encode(content)),
        name: 'trial of credentials', timeout: TRIAL_MS, reconnect: false, maxReconnectAttempts: 0, noAsyncTraces: true,
      });
      await trial.close();
    } catch (error) {
      const code = error instanceof NatsError ? error.code : (errorCode(error) ?? 'unknown');
      if (!NOT_REACHED.has(code)) throw new BusCredentialsRefused(path, code, error);
      logger.warn({ code }, 'NATS is not there to try the new credentials on');
    }
  }
}

/** @throws BusCredentialsRefused */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BusCredentialsRefused(path, errorCode(error) ?? 'unknown', error);
  }
}
