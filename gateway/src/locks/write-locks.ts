import { type Clock, type Ctx } from '@reelay/runtime';
import { endWrite, type FileHolder, filesOf, holderWords, reclaimReads, requestWrite, retryWrite, type Sql, type VideoRow, type WriteAction, type WriteAnswer, WriteLockLost } from '@reelay/store';
import type { LiveJobs } from '../hub/live-jobs.ts';
import { HttpProblem } from '../http/problem.ts';
import { holderId } from './holder-view.ts';
import type { LockHints } from './lock-hints.ts';

export interface WriteLocksOptions {
  sql: Sql;
  clock: Clock;
  hints: LockHints;
  live: Pick<LiveJobs, 'get'>;
  leaseMs?: number | undefined;
}

/** How a writer meets those who use the file. */
export interface WriteMode {
  /** 0: refused at once. */
  waitMs: number;
  /** Ends the streams that read the file; never a job. */
  force: boolean;
  /** Digest of whoever asks, as a viewer: what they play themselves is in nobody's way but their own. */
  viewer: string;
}

/** The right to change a file. */
export interface WriteGrant {
  readonly ticket: number;
  /** Something is left to do that cannot be done now: the lock's row stays, and whoever finds it when its lease is over repairs. */
  readonly leaveForRepair: () => void;
}

const LEASE_MS = 15_000;
const POLL_MS = 1_000;
/** Streams end within moments; a gateway that is dead keeps their lock for a lease. */
const END_WAIT_MS = 20_000;

/**
 * Gives a video's file to one request alone.
 *
 *   asked ──free──▶ working ──▶ given back
 *     │ └──in use, may wait──▶ waiting ──free──▶ working
 *     │                          └──time over, client gone, gateway stops──▶ refused
 *     └──in use──▶ refused (409 file_in_use, naming every holder)
 *
 * A file that only the one who asks is playing is free, for them: their streams are told to end, and go on under the new name.
 * With `force` the streams are told to end once nobody else is in the way: a job is waited for, if that was asked for, and
 * its viewers are not thrown out for a change that then fails. This gateway's death frees the file with its lease.
 */
export class WriteLocks {
  readonly #options: WriteLocksOptions;
  readonly #leaseMs: number;

  constructor(options: WriteLocksOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
  }

  /** Runs `work` while nobody else uses the video's file. @throws HttpProblem file_in_use; the cause when the request is over */
  async alone<T>(video: Pick<VideoRow, 'id' | 'path' | 'title'>, request: WriteMode & { action: WriteAction; actor: string; ctx: Ctx }, work: (grant: WriteGrant) => Promise<T>): Promise<T> {
    const { sql, hints } = this.#options;
    const ask = (wait: boolean) => requestWrite(sql, { files: filesOf(video), action: request.action, actor: request.actor }, { wait, leaseMs: this.#leaseMs });
    const seen = hints.count;
    let answer = await ask(request.waitMs > 0 || request.force);
    if (answer.kind === 'refused' && onlyOf(request.viewer, answer.holders)) answer = await ask(true);
    if (answer.kind === 'refused') throw this.#inUse(video.title, answer.holders);
    let left = false;
    try {
      await this.#untilAlone(video.title, answer, request, seen);
      return await work({ ticket: answer.ticket, leaveForRepair: () => { left = true; } });
    } catch (error) {
      if (!(error instanceof WriteLockLost)) throw error;
      throw new HttpProblem('unavailable', 'This took too long and was given up; nothing was changed', { cause: error, headers: { 'retry-after': '2' } });
    } finally {
      // Should this fail, the lease ends it.
      if (!left) await endWrite(sql, answer.ticket).catch(() => undefined);
      hints.tell();
    }
  }

  async #untilAlone(title: string, first: Exclude<WriteAnswer, { kind: 'refused' }>, request: WriteMode & { ctx: Ctx }, hintsBefore: number): Promise<void> {
    const { sql, clock, hints } = this.#options;
    const startedMs = clock.monotonicMs();
    let answer = first;
    let seen = hintsBefore;
    let told: 'nothing' | 'waiting' | 'ending' = 'nothing';
    while (answer.kind === 'waiting') {
      const mayEnd = onlyOf(request.viewer, answer.holders) || (request.force && answer.holders.every(({ kind }) => kind === 'gateway'));
      const patienceMs = mayEnd ? Math.max(request.waitMs, END_WAIT_MS) : request.waitMs;
      const leftMs = startedMs + patienceMs - clock.monotonicMs();
      if (leftMs <= 0 || hints.stopped) throw this.#inUse(title, answer.holders);
      const tell = mayEnd ? 'ending' : 'waiting';
      if (mayEnd && told !== 'ending') await reclaimReads(sql, answer.ticket);
      // Readers hear at once that somebody waits, and that they must end.
      if (told !== 'ending' && told !== tell) {
        told = tell;
        hints.tell();
      }
      await hints.next(seen, Math.min(POLL_MS, leftMs), request.ctx.signal);
      request.ctx.throwIfCancelled();
      seen = hints.count;
      answer = await retryWrite(sql, answer.ticket, this.#leaseMs);
    }
  }

  #inUse(title: string, holders: readonly FileHolder[]): HttpProblem {
    const shown = holders.map((holder) => this.withProgress(holder));
    return new HttpProblem('file_in_use', `“${title}” is in use: ${shown.map(holderWords).join('; ')}`, {
      errors: shown.map((holder) => ({ path: `${holder.kind}Id`, message: holderId(holder) })),
    });
  }

  /** The holder with what its node said last; the stored progress is up to 5 s old. */
  withProgress<T extends FileHolder>(holder: T): T {
    if (holder.kind !== 'job') return holder;
    const live = this.#options.live.get(holder.jobId);
    return live?.epoch === holder.epoch ? { ...holder, progress: Math.max(holder.progress, Math.floor(live.percent)) } : holder;
  }
}

/** Whether all that is in the way is the playing of this one viewer. */
const onlyOf = (viewer: string, holders: readonly FileHolder[]): boolean =>
  holders.every((holder) => holder.kind === 'gateway' && holder.viewers.every((one) => one === viewer));
