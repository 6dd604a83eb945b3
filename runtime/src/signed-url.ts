import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fchmodSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { errorCode, ReelayError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';

/** The token is not one that this key signed. */
export class TokenInvalid extends ReelayError {
  readonly code = 'token_invalid';
  constructor() {
    super('the token is not valid');
  }
}

/** The token was ours, but its time is over. */
export class TokenExpired extends ReelayError {
  readonly code = 'token_expired';
  constructor(expiresAtMs: number) {
    super('the token has expired', { expiresAtMs });
  }
}

/** The key file is missing, readable by others, or too short. */
export class SecretFileError extends ReelayError {
  readonly code = 'secret_file_invalid';
  override readonly serviceExit = EXIT_CODES.configuration;
}

const MIN_KEY_BYTES = 32;

function mac(key: Uint8Array, body: string): Buffer {
  return createHmac('sha256', key).update(body).digest();
}

/** `<base64url of {p: payload, e: expiry}>.<base64url of HMAC-SHA256>`; safe in a path. `expiresAtMs` is Unix time. */
export function signToken(key: Uint8Array, payload: unknown, expiresAtMs: number): string {
  const body = Buffer.from(JSON.stringify({ p: payload, e: expiresAtMs })).toString('base64url');
  return `${body}.${mac(key, body).toString('base64url')}`;
}

/** The signed payload; parse it with a schema. @throws TokenInvalid, TokenExpired */
export function verifyToken(key: Uint8Array, token: string, nowMs: number): unknown {
  const dot = token.indexOf('.');
  if (dot <= 0 || !/^[\w-]+\.[\w-]{43}$/.test(token)) throw new TokenInvalid();
  const body = token.slice(0, dot);
  const given = Buffer.from(token.slice(dot + 1), 'base64url');
  const wanted = mac(key, body);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new TokenInvalid();
  const signed: { p: unknown; e: number } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  if (nowMs >= signed.e) throw new TokenExpired(signed.e);
  return signed.p;
}

/** Reads the keys of a secret file, one a line: the first one signs, the others are accepted too. @throws SecretFileError */
export function readSecretKeys(path: string): [Uint8Array, ...Uint8Array[]] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new SecretFileError(`the secret file ${path} cannot be read (${errorCode(error) ?? 'unknown error'})`, { path }, error);
  }
  try {
    if ((fstatSync(fd).mode & 0o077) !== 0) throw new SecretFileError(`the secret file ${path} can be read by others; its mode must be 0600`, { path });
    const [first, ...others] = readFileSync(fd, 'utf8').split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '').map((line) => Buffer.from(line));
    if (!first || [first, ...others].some((key) => key.length < MIN_KEY_BYTES)) {
      throw new SecretFileError(`the secret file ${path} holds a key of fewer than ${MIN_KEY_BYTES} characters, or none`, { path });
    }
    return [first, ...others];
  } finally {
    closeSync(fd);
  }
}

/** Makes the secret file with a random key when there is none. @throws SecretFileError */
export function ensureSecretKey(path: string): void {
  try {
    const fd = openSync(path, 'wx', 0o600);
    try {
      fchmodSync(fd, 0o600);
      writeSync(fd, `${randomBytes(32).toString('hex')}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw new SecretFileError(`the secret file ${path} cannot be made (${errorCode(error) ?? 'unknown error'})`, { path }, error);
  }
}
