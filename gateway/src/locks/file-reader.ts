/** One file that this gateway reads, or asks to read: its lock as this process knows it. */
import { type Clock, type Ctx, FileReclaimed } from '@reelay/runtime';
import { dropReads, type FileKey, type ReadAnswer, type RenewedRead, type Sql, takeRead, type VideoRow, videoFile } from '@reelay/store';
import { type ReadKind, Viewers } from './viewers.ts';

export interface FileReaderOptions {
  sql: Sql;
  clock: Clock;
  gateway: { id: string; name: string };
  leaseMs: number;
  lingerMs: Readonly<Record<ReadKind, number>>;
}

export interface Asker {
  /** Digest of whoever asks. */
  viewer: string;
  kind: ReadKind;
}

/** A request that reads the file. */
export interface OpenRead {
  /** As it was when the file was locked: its path is right for as long as the lock is held. */
  video: VideoRow;
  /** The row in Postgres does not count this viewer yet. */
  isNew: boolean;
  /** May be called more than once; the first counts. `failed`: nothing was read. */
  end: (failed: boolean) => void;
}

/** A lock as Postgres has it. */
interface Held {
  video: VideoRow;
  /** On the monotonic clock and, for a host that slept, by the time of day. */
  untilMs: number;
  untilTimeMs: number;
}

/**
 *   unlocked ──ask──▶ held ──renewed──▶ held ──drop: nobody here any more; reclaim──▶ unlocked
 *      ▲               └──lease over (this process stood still), or its renewal found no row──▶ unlocked: asks anew
 *
 * The lease is counted from before its statement was sent, so it is over here before it is in Postgres. What is open
 * when a lock is lost may be read to its end: a move never changes the content of a file, only its names.
 */
export class FileReader {
  readonly file: FileKey;
  readonly videoId: string;
  readonly viewers: Viewers;
  readonly #options: FileReaderOptions;
  readonly #open = new Set<{ readonly ctx: Ctx }>();
  /** A writer waits for the file: newcomers wait behind it. */
  #wanted = false;
  #held: Held | null = null;
  /** Statements about one file go one after the other, so that a late one never undoes another's work. */
  #turn: Promise<unknown> = Promise.resolve();
  #queued = 0;

  constructor(videoId: string, options: FileReaderOptions) {
    this.videoId = videoId;
    this.#options = options;
    this.file = videoFile(videoId);
    this.viewers = new Viewers(options.lingerMs);
  }

  /** The lock as it is now; another object after it was lost and taken again. */
  get held(): object | null {
    return this.#held;
  }

  /** Nothing is held, open or underway: it need not be remembered. */
  get isIdle(): boolean {
    return this.#held === null && this.#queued === 0 && this.#open.size === 0;
  }

  get openReads(): number {
    return this.#open.size;
  }

  /** Lets a request read without asking Postgres, when the lock is good and nobody waits whom it would overtake. */
  begin(asker: Asker, ctx: Ctx): OpenRead | null {
    const { clock } = this.#options;
    const held = this.#held;
    if (held === null || held.untilMs <= clock.monotonicMs() || held.untilTimeMs <= clock.now().getTime()) return null;
    if (this.#wanted && !this.viewers.isKnown(asker.viewer, clock.monotonicMs())) return null;
    return this.#enter(held.video, asker, ctx);
  }

  /** Asks Postgres, unless by then another's answer will do. */
  ask(asker: Asker, ctx: Ctx): Promise<OpenRead | Exclude<ReadAnswer, { kind: 'held' }>> {
    return this.#inTurn(async () => {
      const begun = this.begin(asker, ctx);
      if (begun !== null) return begun;
      const { sql, clock, gateway, leaseMs } = this.#options;
      const [sentMs, sentTimeMs] = [clock.monotonicMs(), clock.now().getTime()];
      const counts = this.viewers.counts(sentMs, { digest: asker.viewer, kind: asker.kind });
      const answer = await takeRead(sql, { videoId: this.videoId, gateway, viewer: asker.viewer, counts, leaseMs });
      if (answer.kind !== 'held') return answer;
      this.#held = { video: answer.video, untilMs: sentMs + leaseMs, untilTimeMs: sentTimeMs + leaseMs };
      // In the same turn: nothing can take the lock back before it is used.
      return { ...this.#enter(answer.video, asker, ctx), isNew: false };
    });
  }

  /** Takes note of what a renewal told that was sent for `held` at these times. */
  renewed(answer: RenewedRead, sent: { held: object | null; ms: number; timeMs: number }): 'kept' | 'lost' {
    this.#wanted = answer.wanted;
    if (this.#held === null || this.#held !== sent.held) return 'kept';
    if (!answer.renewed) {
      this.#held = null;
      return 'lost';
    }
    this.#held.untilMs = sent.ms + this.#options.leaseMs;
    this.#held.untilTimeMs = sent.timeMs + this.#options.leaseMs;
    return 'kept';
  }

  /** Gives the lock back if nobody is here. True when somebody waits for it. */
  drop(): Promise<boolean> {
    return this.#inTurn(async () => {
      const { sql, clock, gateway } = this.#options;
      if (this.#held === null || this.viewers.idleInMs(clock.monotonicMs()) !== 0) return false;
      this.#held = null;
      return dropReads(sql, gateway.id, [this.file]);
    });
  }

  /** Ends what reads the file, forgets who did, and gives the lock back. Answers how many requests were ended. */
  reclaim(): Promise<number> {
    return this.#inTurn(async () => {
      const { sql, gateway } = this.#options;
      const ended = [...this.#open];
      this.#held = null;
      this.viewers.clear();
      // Before they hear of it: what they end later must not count for those who come next.
      this.#open.clear();
      for (const { ctx } of ended) ctx.cancel(new FileReclaimed(this.file));
      await dropReads(sql, gateway.id, [this.file]);
      return ended.length;
    });
  }

  #enter(video: VideoRow, { viewer, kind }: Asker, ctx: Ctx): OpenRead {
    const { clock } = this.#options;
    const isNew = !this.viewers.isKnown(viewer, clock.monotonicMs());
    this.viewers.enter(viewer, kind, clock.monotonicMs());
    const read = { ctx };
    this.#open.add(read);
    const end = (failed: boolean): void => {
      if (!this.#open.delete(read)) return;
      this.viewers.leave(viewer, kind, clock.monotonicMs(), failed);
    };
    return { video, isNew, end };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#queued += 1;
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#queued -= 1;
    }
  }
}
