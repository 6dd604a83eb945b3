import { statSync } from 'node:fs';
import type { Clock } from './clock.ts';
import type { Accepted } from './live-settings.ts';
import { ensureSecretKey, readSecretKeys, signToken, TokenInvalid, verifyToken } from './signed-url.ts';

/** A key that signed until now is accepted for so long after it was replaced: longer than an attempt, and its URLs, live. */
const RETIRED_MS = 7 * 86_400_000;
const MAX_RETIRED = 8;
/** The file is looked at this often at most for a key that is not known yet. */
const PEEK_MS = 1_000;

interface Retired {
  key: Uint8Array;
  untilMs: number;
}

/**
 * The keys that sign and verify tokens: those of the secret file (the first signs), and those that signed before.
 *
 *   file changes ──a token that no key fits──▶ its keys verify ──reload──▶ its first key signs, the one before verifies on
 *
 * So gateways and schedulers need not reload at the same instant: whoever signs first is understood by the rest. A key
 * that stood on a further line is dropped with its line: that is how one is revoked.
 */
export class SigningKeys {
  readonly #clock: Clock;
  #path: string;
  #identity: string;
  #keys: readonly [Uint8Array, ...Uint8Array[]];
  #retired: Retired[] = [];
  /** Keys that the file has by now, until a reload makes them count. */
  #ahead: readonly Uint8Array[] = [];
  #peekFromMs = 0;

  private constructor(path: string, clock: Clock) {
    this.#clock = clock;
    this.#path = path;
    this.#identity = identityOf(path);
    this.#keys = readSecretKeys(path);
  }

  /** Opens the secret file; makes it, with a random key, when there is none. @throws SecretFileError */
  static open(path: string, clock: Clock): SigningKeys {
    ensureSecretKey(path);
    return new SigningKeys(path, clock);
  }

  /** `expiresAtMs` is Unix time. */
  sign(payload: unknown, expiresAtMs: number): string {
    return signToken(this.#keys[0], payload, expiresAtMs);
  }

  /** The signed payload; parse it with a schema. @throws TokenInvalid, TokenExpired */
  verify(token: string): unknown {
    const nowMs = this.#clock.monotonicMs();
    const known = [...this.#keys, ...this.#ahead, ...this.#retired.filter(({ untilMs }) => untilMs > nowMs).map(({ key }) => key)];
    const found = this.#tryAll(known, token) ?? this.#tryAll(this.#peek(nowMs), token);
    if (!found) throw new TokenInvalid();
    return found.payload;
  }

  /** Reads the file anew, for a reload. @throws SecretFileError */
  prepare(path: string): Accepted {
    const identity = identityOf(path);
    const keys = readSecretKeys(path);
    const same = keys.length === this.#keys.length && keys.every((key, index) => isSame(key, this.#keys[index]));
    return {
      changed: same ? [] : ['the keys in REELAY_SECRET_FILE'],
      commit: () => {
        if (!keys.some((key) => isSame(key, this.#keys[0]))) {
          this.#retired = [{ key: this.#keys[0], untilMs: this.#clock.monotonicMs() + RETIRED_MS }, ...this.#retired].slice(0, MAX_RETIRED);
        }
        this.#keys = keys;
        this.#path = path;
        this.#identity = identity;
        this.#ahead = [];
      },
    };
  }

  #tryAll(keys: readonly Uint8Array[], token: string): { payload: unknown } | null {
    for (const key of keys) {
      try {
        return { payload: verifyToken(key, token, this.#clock.now().getTime()) };
      } catch (error) {
        if (!(error instanceof TokenInvalid)) throw error;
      }
    }
    return null;
  }

  /** The keys of a file that has changed since it was read; none when it cannot be read right now. */
  #peek(nowMs: number): readonly Uint8Array[] {
    if (nowMs < this.#peekFromMs) return [];
    this.#peekFromMs = nowMs + PEEK_MS;
    try {
      if (identityOf(this.#path) === this.#identity) return [];
      this.#ahead = readSecretKeys(this.#path);
    } catch {
      // Somebody is writing it.
    }
    return this.#ahead;
  }
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

/** Differs when the file was written or replaced. */
function identityOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found ? `${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}` : 'none';
}
