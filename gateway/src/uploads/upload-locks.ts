import { PROTOCOL_VERSION, subjects, uploadHintSchema } from '@reelay/contracts';
import { type Clock, type Ctx, delay, LeaseLost, type Logger, type Service, toError } from '@reelay/runtime';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import { acquireLease, dropLease, type Lease, renewLease, resignLease, type Sql } from '@reelay/store';
import type { Lock, Locker, RequestRelease } from '@tus/server';

export const UPLOAD_LEASE = 'upload:';
/** How long an upload waits for its next request after the gateway that had it was killed. */
const TTL_MS = 5_000;
const RENEW_MS = 1_500;
/** Longer than a killed holder's lease. */
const WAIT_MS = 8_000;
const ASK_AGAIN_MS = 250;

export interface UploadLocksOptions {
  sql: Sql;
  bus: Bus;
  clock: Clock;
  logger: Logger;
  newId: () => string;
}

interface Held {
  readonly lease: Lease;
  readonly requestRelease: RequestRelease;
  /** On the monotonic clock: until then nobody else can have it. */
  validUntilMs: number;
}

/** As the tus server wants it. */
const locked = (): Error => Object.assign(new Error('upload in use'), { status_code: 423, body: 'Another request writes to this upload\n' });

/**
 * One request at a time works on an upload, whichever gateway it came to: a lease in Postgres, renewed while it is held.
 *
 *   wanted ──free, or run out──▶ held ──unlock──▶ free
 *     └──held elsewhere: its holder is asked to let go, up to 8 s──▶ 423
 *                                 └──not renewed for 5 s (killed, frozen, cut off)──▶ lost: its next write fails
 */
export class UploadLocks implements Service {
  readonly name = 'upload locks';
  readonly #options: UploadLocksOptions;
  readonly #held = new Map<string, Held>();
  #hint: BusSubscription | undefined;
  #endRenewing: (() => void) | undefined;

  constructor(options: UploadLocksOptions) {
    this.#options = options;
  }

  async start(_ctx: Ctx): Promise<void> {
    const { bus, clock } = this.#options;
    this.#hint = bus.subscribe(subjects.hintUpload, uploadHintSchema, ({ uploadId }) => void this.#held.get(uploadId)?.requestRelease());
    this.#endRenewing = clock.every(RENEW_MS, () => void this.#renewAll());
  }

  async stop(): Promise<void> {
    this.#hint?.unsubscribe();
    this.#endRenewing?.();
  }

  /** Locks for one request: it stops waiting, and lets go, when its context is cancelled. */
  for(ctx: Ctx): Locker {
    return { newLock: (uploadId) => this.#newLock(uploadId, ctx) };
  }

  /** A check to make before every write. It throws once another request may have the upload. */
  guard(uploadId: string): () => void {
    const held = this.#held.get(uploadId);
    return () => {
      if (held === undefined || this.#options.clock.monotonicMs() >= held.validUntilMs) throw new LeaseLost({ uploadId });
    };
  }

  #newLock(uploadId: string, ctx: Ctx): Lock {
    let held: Held | undefined;
    let stopListening: (() => void) | undefined;
    return {
      lock: async (signal, requestRelease) => {
        held = await this.#acquire(uploadId, requestRelease, () => signal.aborted || ctx.cancelled);
        this.#held.set(uploadId, held);
        stopListening = ctx.onCancel(() => void requestRelease());
      },
      unlock: async () => {
        stopListening?.();
        if (held === undefined) return;
        if (this.#held.get(uploadId) === held) this.#held.delete(uploadId);
        // Not given back, it runs out.
        await resignLease(this.#options.sql, held.lease).catch((error: unknown) => this.#options.logger.debug({ err: toError(error), uploadId }, 'upload lease not given back'));
      },
    };
  }

  async #acquire(uploadId: string, requestRelease: RequestRelease, isGivenUp: () => boolean): Promise<Held> {
    const { sql, clock, newId } = this.#options;
    const holder = newId();
    for (let waitedMs = 0; waitedMs <= WAIT_MS; waitedMs += ASK_AGAIN_MS) {
      const askedAtMs = clock.monotonicMs();
      const lease = await acquireLease(sql, `${UPLOAD_LEASE}${uploadId}`, holder, TTL_MS);
      if (lease !== null) return { lease, requestRelease, validUntilMs: askedAtMs + TTL_MS };
      if (isGivenUp()) break;
      this.#ask(uploadId);
      await delay(clock, ASK_AGAIN_MS);
    }
    throw locked();
  }

  #ask(uploadId: string): void {
    try {
      this.#options.bus.publish(subjects.hintUpload, { v: PROTOCOL_VERSION, uploadId });
    } catch {
      // Closing. A holder in this very gateway ends with its request.
    }
  }

  async #renewAll(): Promise<void> {
    const { sql, clock, logger } = this.#options;
    await Promise.all([...this.#held].map(async ([uploadId, held]) => {
      const askedAtMs = clock.monotonicMs();
      try {
        if (await renewLease(sql, held.lease, TTL_MS)) {
          held.validUntilMs = askedAtMs + TTL_MS;
          return;
        }
      } catch (error) {
        // Postgres is away for a moment: the lease is good until it runs out.
        logger.debug({ err: toError(error), uploadId }, 'upload lease not renewed');
        return;
      }
      if (this.#held.get(uploadId) !== held) return;
      logger.warn({ uploadId }, 'upload lease lost');
      held.validUntilMs = 0;
      void held.requestRelease();
    }));
  }

  /** For an upload that is over: nothing is kept of its lease. */
  async forget(uploadId: string): Promise<void> {
    const held = this.#held.get(uploadId);
    if (held !== undefined) await dropLease(this.#options.sql, held.lease).catch(() => undefined);
  }
}
