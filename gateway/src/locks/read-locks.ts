import { type Clock, type Ctx, errorCode, type Logger, type Service, toError } from '@reelay/runtime';
import { dropReads, renewReads, type Sql, type VideoRow } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';
import { type Asker, FileReader, type OpenRead } from './file-reader.ts';
import type { LockHints } from './lock-hints.ts';
import type { ReadKind } from './viewers.ts';

export interface ReadLocksOptions {
  sql: Sql;
  clock: Clock;
  logger: Logger;
  hints: LockHints;
  gateway: { id: string; name: string };
  /** How long a viewer counts after their last request. */
  lingerMs: number;
  leaseMs?: number | undefined;
}

/** A file that may be read until `release`. */
export interface ReadLease {
  /** Its path is right for as long as the lease lasts. */
  readonly video: VideoRow;
  /** May be called more than once; the end of the request does it, too. `failed`: nothing was read, and nobody need wait. */
  readonly release: (failed?: boolean) => void;
}

const LEASE_MS = 15_000;
/** Who fetched a file may go on after a broken connection; nobody waits longer for that. */
const DOWNLOAD_LINGER_MS = 2_000;
/** How long a newcomer waits behind a writer before the answer is “later”: renaming takes milliseconds. */
const NEWCOMER_WAIT_MS = 3_000;
const POLL_MS = 500;
const NEWS_MS = 250;

/**
 * The read locks of this gateway: viewers are counted in memory, and one leased row per file tells the others.
 *
 * A writer that waits goes before newcomers, or a popular film could never be moved. Whoever is in the middle of the film
 * goes on reading, for nothing forces the writer: it waits for a time of its own choice, and may end the streams if it must.
 * Postgres is asked when a file's first viewer comes, and for all files together every few seconds; never per segment.
 */
export class ReadLocks implements Service {
  readonly name = 'read locks';
  readonly #options: ReadLocksOptions;
  readonly #leaseMs: number;
  readonly #files = new Map<string, FileReader>();
  readonly #undo: (() => void)[] = [];
  /** One timer per file whose viewers have all gone quiet. */
  readonly #lingering = new Map<FileReader, () => void>();
  #ticking: Promise<void> | undefined;
  #again = false;
  #soon: (() => void) | undefined;

  constructor(options: ReadLocksOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
  }

  /** Files that are read, or asked for. */
  get size(): number {
    return this.#files.size;
  }

  async start(_ctx: Ctx): Promise<void> {
    const { hints, clock } = this.#options;
    this.#undo.push(hints.onChange(() => void this.tick()), clock.every(this.#leaseMs / 4, () => void this.tick()));
  }

  async stop(): Promise<void> {
    for (const undo of [...this.#undo.splice(0), ...this.#lingering.values()]) undo();
    this.#lingering.clear();
    this.#soon?.();
    await this.#ticking;
    const { sql, gateway, hints } = this.#options;
    const files = [...this.#files.values()].map(({ file }) => file);
    this.#files.clear();
    if (await dropReads(sql, gateway.id, files).catch(() => false)) hints.tell();
  }

  /**
   * Makes a request a reader of the video's file. `video` is as the caller found it, which may be some time ago.
   * @throws HttpProblem video_not_found, file_busy; the cause when the request is over
   */
  async read(video: VideoRow, asker: Asker, ctx: Ctx): Promise<ReadLease> {
    const { clock, hints } = this.#options;
    const untilMs = clock.monotonicMs() + NEWCOMER_WAIT_MS;
    for (;;) {
      const file = this.#file(video.id);
      const seen = hints.count;
      const answer = file.begin(asker, ctx) ?? (await file.ask(asker, ctx).finally(() => this.#forgetIdle(file)));
      if ('end' in answer) {
        // Who counts viewers, or asks whether all are the same person, sees a newcomer soon.
        if (answer.isNew) this.#tickSoon();
        return this.#lease(file, answer, video, ctx);
      }
      ctx.throwIfCancelled();
      if (answer.kind === 'gone') throw new HttpProblem('video_not_found', `There is no video ${video.id}`);
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0 || hints.stopped) {
        throw new HttpProblem('file_busy', 'The file is about to be moved or deleted; try again in a moment', { headers: { 'retry-after': '2' } });
      }
      await hints.next(seen, Math.min(POLL_MS, leftMs), ctx.signal);
    }
  }

  /** Renews every lock and learns who waits for a file. A call while it runs makes it run once more. */
  tick(): Promise<void> {
    this.#again = true;
    this.#ticking ??= this.#tickWhileAsked().finally(() => {
      this.#ticking = undefined;
    });
    return this.#ticking;
  }

  /** Newcomers share a tick: a rush costs no more than a few statements a second. */
  #tickSoon(): void {
    this.#soon ??= this.#options.clock.after(NEWS_MS, () => {
      this.#soon = undefined;
      void this.tick();
    });
  }

  #lease(file: FileReader, read: OpenRead, video: VideoRow, ctx: Ctx): ReadLease {
    const undo: (() => void)[] = [];
    const release = (failed = false): void => {
      for (const callOff of undo.splice(0)) callOff();
      read.end(failed);
      this.#dropWhenIdle(file);
    };
    undo.push(ctx.onCancel(() => release()));
    // The caller's row may be older than the lock, and the lock's older than a change of the title.
    return { video: video.rev > read.video.rev ? video : read.video, release };
  }

  #file(videoId: string): FileReader {
    const known = this.#files.get(videoId);
    if (known !== undefined) return known;
    const { sql, clock, gateway, lingerMs } = this.#options;
    const linger = { stream: lingerMs, download: Math.min(lingerMs, DOWNLOAD_LINGER_MS), session: 0 } satisfies Record<ReadKind, number>;
    const made = new FileReader(videoId, { sql, clock, gateway, leaseMs: this.#leaseMs, lingerMs: linger });
    this.#files.set(videoId, made);
    return made;
  }

  #forgetIdle(file: FileReader): void {
    if (file.isIdle && this.#files.get(file.videoId) === file) this.#files.delete(file.videoId);
  }

  #dropWhenIdle(file: FileReader): void {
    const { clock } = this.#options;
    const inMs = file.viewers.idleInMs(clock.monotonicMs());
    // Lost or given back meanwhile: what was still open is over now.
    if (file.held === null) this.#forgetIdle(file);
    if (inMs === null || file.held === null || this.#lingering.has(file)) return;
    if (inMs === 0) {
      void this.#drop(file);
      return;
    }
    this.#lingering.set(file, clock.after(inMs, () => {
      this.#lingering.delete(file);
      this.#dropWhenIdle(file);
    }));
  }

  async #drop(file: FileReader): Promise<void> {
    const { logger, hints } = this.#options;
    try {
      if (await file.drop()) hints.tell();
    } catch (error) {
      logger.debug({ code: errorCode(error), file: file.file }, 'file lock not given back; it runs out');
    }
    this.#forgetIdle(file);
  }

  async #tickWhileAsked(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#renew();
      } catch (error) {
        this.#options.logger.warn({ err: toError(error) }, 'file locks not renewed');
      }
    }
  }

  async #renew(): Promise<void> {
    const { sql, clock, gateway } = this.#options;
    const nowMs = clock.monotonicMs();
    const files = [...this.#files.values()].filter((file) => file.held !== null);
    const idle = files.filter((file) => file.viewers.idleInMs(nowMs) === 0);
    await Promise.all(idle.map((file) => this.#drop(file)));
    const sent = files.filter((file) => file.held !== null).map((file) => ({ file, held: file.held, ms: clock.monotonicMs(), timeMs: clock.now().getTime() }));
    const answers = await renewReads(sql, gateway.id, sent.map(({ file }) => ({ file: file.file, ...file.viewers.counts(nowMs) })), this.#leaseMs);
    const byFile = new Map(answers.map((answer) => [answer.file, answer]));
    for (const { file, ...when } of sent) {
      const answer = byFile.get(file.file);
      if (answer === undefined) continue;
      if (file.renewed(answer, when) === 'lost') this.#lost(file);
      if (answer.reclaimed) await this.#reclaim(file);
    }
  }

  /** What is open goes on; whoever comes next asks anew. */
  #lost(file: FileReader): void {
    this.#options.logger.warn({ file: file.file, openReads: file.openReads }, 'file lock lost: this process was away past its lease');
    this.#forgetIdle(file);
  }

  async #reclaim(file: FileReader): Promise<void> {
    const { viewers, streams, downloads } = file.viewers.counts(this.#options.clock.monotonicMs());
    const ended = await file.reclaim();
    this.#options.logger.info({ file: file.file, viewers: viewers.length, streams, downloads, ended, cause: 'file_reclaimed' }, 'streams ended');
    this.#forgetIdle(file);
    this.#options.hints.tell();
  }
}
