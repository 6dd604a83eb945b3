/** Why a client was let go. */
export type LeaveReason = 'closed' | 'stalled' | 'overflow' | 'too_old' | 'signed_out' | 'stopping';

export interface QueueLimits {
  /** Bytes of lossless events that may wait for one client. */
  maxBytes: number;
}

const encoder = new TextEncoder();

/**
 * What one browser still has to get: a bounded queue of frames that must all arrive, and the latest progress per job.
 *
 *   held ──release(preface)──▶ flowing ──leave──▶ left
 *    └────────finish(last)─────────┴──▶ emptying ──all taken──▶ left
 *
 * While held (its past is being read) frames wait behind the preface. Progress goes into the queue only when nothing
 * else waits; otherwise a newer one replaces an older one of the same key.
 */
export class ClientQueue {
  readonly #limits: QueueLimits;
  readonly #frames: Uint8Array[] = [];
  readonly #latest = new Map<string, string>();
  #bytes = 0;
  #held = true;
  #finishing = false;
  #left: LeaveReason | undefined;
  #onChange: (() => void) | undefined;
  /** Since when the oldest waiting frame was not taken; undefined when nothing waits. Stays as it was when the client left. */
  waitingSinceMs: number | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get left(): LeaveReason | undefined {
    return this.#left;
  }

  /** False when the frame does not fit any more: the client must go. */
  push(frame: Uint8Array, nowMs: number): boolean {
    if (this.#left !== undefined) return true;
    if (this.#bytes + frame.length > this.#limits.maxBytes) return false;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    this.waitingSinceMs ??= this.#held ? undefined : nowMs;
    this.#wake();
    return true;
  }

  /** Progress of this round: `frame` is the same text as `entries`, encoded once for all clients. */
  pushLatest(frame: Uint8Array, entries: ReadonlyMap<string, string>, nowMs: number): boolean {
    if (this.#left !== undefined) return true;
    if (!this.#held && this.#frames.length === 0 && this.#latest.size === 0) return this.push(frame, nowMs);
    for (const [key, text] of entries) this.#latest.set(key, text);
    this.#wake();
    return true;
  }

  /** What it is about is over. */
  forget(key: string): void {
    this.#latest.delete(key);
  }

  /** Ends the holding: `preface` goes before everything that waited. */
  release(preface: Uint8Array | null, nowMs: number): void {
    if (!this.#held) return;
    this.#held = false;
    if (preface !== null) {
      this.#frames.unshift(preface);
      this.#bytes += preface.length;
    }
    if (this.#frames.length > 0) this.waitingSinceMs = nowMs;
    this.#wake();
  }

  /** The next bytes to write, or null when nothing waits. */
  take(nowMs: number): Uint8Array | null {
    if (this.#held) return null;
    const frame = this.#frames.shift();
    if (frame !== undefined) {
      this.#bytes -= frame.length;
      this.waitingSinceMs = this.#frames.length > 0 ? nowMs : undefined;
      return frame;
    }
    this.waitingSinceMs = undefined;
    if (this.#latest.size === 0) {
      if (this.#finishing) this.leave('stopping');
      return null;
    }
    const text = [...this.#latest.values()].join('');
    this.#latest.clear();
    return encoder.encode(text);
  }

  /** Ends the stream in good order: what waits, then `last`, then it is left. */
  finish(last: Uint8Array): void {
    if (this.#left !== undefined || this.#finishing) return;
    this.#finishing = true;
    this.#latest.clear();
    this.#frames.push(last);
    this.#bytes += last.length;
    this.#wake();
  }

  /** Calls `fn` when something changes: a frame came, or the client was let go. One listener. */
  onChange(fn: () => void): void {
    this.#onChange = fn;
  }

  leave(reason: LeaveReason): void {
    if (this.#left !== undefined) return;
    this.#left = reason;
    this.#frames.length = 0;
    this.#latest.clear();
    this.#bytes = 0;
    this.#wake();
  }

  #wake(): void {
    this.#onChange?.();
  }
}
