import { errorCode, ReelayError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

/** Nobody listens on the subject: nothing was delivered. */
export class NoResponders extends ReelayError {
  readonly code = 'no_responders';
  constructor(subject: string) {
    super(`nobody listens on ${subject}`, { subject });
  }
}

/** No reply in time. Whether the request arrived is unknown. */
export class RequestTimeout extends ReelayError {
  readonly code = 'request_timeout';
  constructor(subject: string, timeoutMs: number) {
    super(`no reply on ${subject} within ${timeoutMs} ms`, { subject, timeoutMs });
  }
}

/** The bus was closed by this process. */
export class BusClosed extends ReelayError {
  readonly code = 'bus_closed';
  constructor() {
    super('the message bus is closed');
  }
}

/** The connection is down right now and the request was not sent. It is being restored. */
export class BusDisconnected extends ReelayError {
  readonly code = 'bus_disconnected';
  constructor(subject: string) {
    super('the message bus is not connected', { subject });
  }
}

/** The first connection could not be made in the time given. */
export class BusUnreachable extends ReelayError {
  readonly code = 'bus_unreachable';
  override readonly serviceExit = EXIT_CODES.unavailable;
  constructor(url: string, waitedMs: number, cause: unknown) {
    super(`cannot reach NATS at ${url} (waited ${waitedMs / 1000} s, ${errorCode(cause) ?? 'no answer'}); start it, or set NATS_URL`, { url, waitedMs }, cause);
  }
}

/** NATS is there and does not let this process in. */
export class BusSignInRefused extends ReelayError {
  readonly code = 'bus_sign_in_refused';
  override readonly serviceExit = EXIT_CODES.configuration;
  constructor(url: string, credsPath: string | undefined, cause: unknown) {
    const what = credsPath === undefined ? 'the user, password or token in NATS_URL, or wants a REELAY_NATS_CREDS file' : `the credentials in ${credsPath}; make new ones and set REELAY_NATS_CREDS`;
    super(`NATS at ${url} refuses ${what}`, { url, credsPath }, cause);
  }
}

/** The server was started without JetStream. */
export class JetStreamMissing extends ReelayError {
  readonly code = 'jetstream_missing';
  override readonly serviceExit = EXIT_CODES.configuration;
  constructor(url: string) {
    super(`NATS at ${url} runs without JetStream; start it with the nats.conf of Reelay, or with --jetstream`, { url });
  }
}

/** New credentials cannot be read, or the server does not accept them. */
export class BusCredentialsRefused extends ReelayError {
  readonly code = 'bus_credentials_refused';
  override readonly serviceExit = EXIT_CODES.configuration;
  constructor(path: string, reason: string, cause: unknown) {
    super(`the NATS credentials in ${path} cannot be used (${reason})`, { path, reason }, cause);
  }
}

/** NATS refused to let this process use the subject. */
export class BusForbidden extends ReelayError {
  readonly code = 'bus_forbidden';
  constructor(subject: string) {
    super(`the NATS credentials do not allow ${subject}`, { subject });
  }
}

/** The reply or message is not what the schema says. */
export class BadMessage extends ReelayError {
  readonly code = 'bad_message';
  constructor(subject: string, problem: string) {
    super(`a message on ${subject} is not valid: ${problem}`, { subject, problem });
  }
}

/** The message is larger than the server takes. */
export class MessageTooLarge extends ReelayError {
  readonly code = 'message_too_large';
  constructor(subject: string, sizeBytes: number, maxBytes: number) {
    super(`a message for ${subject} has ${sizeBytes} bytes, more than the ${maxBytes} allowed`, { subject, sizeBytes, maxBytes });
  }
}

/** The handler on the other side failed; `remoteCode` is its error's code. */
export class RemoteError extends ReelayError {
  readonly code = 'remote_error';
  readonly remoteCode: string;
  constructor(subject: string, remoteCode: string, message: string) {
    super(message, { subject, remoteCode });
    this.remoteCode = remoteCode;
  }
}
