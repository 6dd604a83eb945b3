import { FINAL_STATUSES, hintSchema, subjects } from '@reelay/contracts';
import { type Clock, type Ctx, delay, errorCode, type Logger, type Service, toError } from '@reelay/runtime';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import { isOutboxPosition, type OutboxCursor, type OutboxEvent, readOutbox, type Sql } from '@reelay/store';
import { type Audience, hears, type StateEvent } from './events.ts';
import type { Hub } from './hub.ts';
import type { LiveJobs } from './live-jobs.ts';
import { cursorText, isAfter, type Known, parseCursor, renderEvents } from './render.ts';

export interface OutboxOptions {
  sql: Sql;
  bus: Bus;
  hub: Hub;
  live: LiveJobs;
  /** A stream as it was last heard. */
  stream: Known['stream'];
  clock: Clock;
  logger: Logger;
  /** Called for each video that changed, before anybody hears of it. */
  onVideo?: ((videoId: string) => void) | undefined;
  /** The safety net when a hint is lost. Default 2 s. */
  pollMs?: number | undefined;
}

const BATCH = 500;
/** A client that missed more than this loads its lists again instead. */
const MAX_REPLAY = 1000;
const REACH_MS = 1_000;
const REACH_STEP_MS = 25;

/**
 * The one reader of the outbox in this gateway: turns audit rows into live events, in their order, none skipped.
 *
 *   idle ──hint, or poll──▶ reading ──nothing more──▶ idle
 *                             └──hint meanwhile──▶ reading again
 */
export class Outbox implements Service {
  readonly name = 'outbox';
  readonly #options: OutboxOptions;
  readonly #waiters = new Map<string, Set<() => void>>();
  #cursor: OutboxCursor | null = null;
  #hint: BusSubscription | undefined;
  #endPoll: (() => void) | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  #failing = false;
  #stopped = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  async start(_ctx: Ctx): Promise<void> {
    const { sql, bus, hub, clock } = this.#options;
    const { cursor } = await readOutbox(sql, null, 1);
    this.#cursor = cursor;
    hub.startAt(cursorText(cursor));
    this.#hint = bus.subscribe(subjects.hintOutbox, hintSchema, () => this.kick());
    this.#endPoll = clock.every(this.#options.pollMs ?? 2_000, () => this.kick());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#hint?.unsubscribe();
    this.#endPoll?.();
    await this.#reading;
    for (const wakers of this.#waiters.values()) for (const wake of wakers) wake();
  }

  /** There may be something new. */
  kick(): void {
    if (this.#stopped || this.#cursor === null) return;
    if (this.#reading !== undefined) {
      this.#again = true;
      return;
    }
    this.#reading = this.#readAll().finally(() => {
      this.#reading = undefined;
      if (this.#again) {
        this.#again = false;
        this.kick();
      }
    });
  }

  /** Resolves true when an event tells that the job ended, false after `timeoutMs`. Ask the store for the truth either way. */
  untilJobEnds(jobId: string, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const wakers = this.#waiters.get(jobId) ?? new Set();
      this.#waiters.set(jobId, wakers);
      const done = (changed: boolean) => {
        callOff();
        wakers.delete(wake);
        if (wakers.size === 0) this.#waiters.delete(jobId);
        resolve(changed);
      };
      const wake = () => done(true);
      const callOff = this.#options.clock.after(timeoutMs, () => done(false));
      wakers.add(wake);
    });
  }

  /**
   * Waits, up to a second, until the hub has handed out all up to the resume id. Another gateway may have been faster:
   * a client that comes from there would otherwise hear the difference a second time.
   */
  async reach(resumeId: string, ctx: Ctx): Promise<void> {
    const { hub, clock, sql } = this.#options;
    const wanted = parseCursor(resumeId);
    const isBehind = () => {
      const here = parseCursor(hub.flushedId ?? '0.0');
      return wanted !== null && here !== null && isAfter(wanted, here);
    };
    if (wanted === null || !isBehind() || !(await isOutboxPosition(sql, wanted))) return;
    for (let waitedMs = 0; waitedMs < REACH_MS && isBehind() && !ctx.cancelled; waitedMs += REACH_STEP_MS) {
      this.kick();
      await delay(clock, REACH_STEP_MS);
    }
  }

  /** What the audience missed after the resume id, up to `until`; null when the id is unknown here or too long ago. */
  async replay(resumeId: string, until: string, audience: Audience): Promise<StateEvent[] | null> {
    const { sql, live, stream, clock } = this.#options;
    const from = parseCursor(resumeId);
    const end = parseCursor(until);
    if (from === null || end === null || isAfter(from, end) || !(await isOutboxPosition(sql, from))) return null;
    const { events } = await readOutbox(sql, from, MAX_REPLAY + 1);
    const missed = events.filter((event) => !isAfter(event, end));
    if (missed.length > MAX_REPLAY) return null;
    return (await renderEvents(sql, { live, stream }, missed, clock.now())).filter((event) => hears(audience, event));
  }

  async #readAll(): Promise<void> {
    const { sql, hub, live, stream, clock, logger } = this.#options;
    try {
      for (;;) {
        const { events, cursor } = await readOutbox(sql, this.#cursor, BATCH);
        if (events.length === 0) break;
        this.#tellVideos(events);
        for (const event of await renderEvents(sql, { live, stream }, events, clock.now())) hub.broadcast(event);
        this.#cursor = cursor;
        this.#wakeWaiters(events);
        if (events.length < BATCH) break;
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) logger.warn({ err: toError(error), code: errorCode(error) }, 'outbox not readable; trying again');
      this.#failing = true;
    }
  }

  #tellVideos(events: readonly OutboxEvent[]): void {
    for (const { topic, entityId } of events) if (topic === 'videos') this.#options.onVideo?.(entityId);
  }

  #wakeWaiters(events: readonly OutboxEvent[]): void {
    if (this.#waiters.size === 0) return;
    for (const { topic, entityId, toStatus } of events) {
      if (topic !== 'jobs' || !FINAL.has(toStatus ?? '')) continue;
      for (const wake of this.#waiters.get(entityId) ?? []) wake();
    }
  }
}

const FINAL: ReadonlySet<string> = new Set(FINAL_STATUSES);
