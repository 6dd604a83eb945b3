import type { Stream, StreamEnd } from '@reelay/contracts';
import { type Clock, type Ctx, errorCode, type Logger, type Service, waitAtMost } from '@reelay/runtime';
import { appendAudit, type AuditEvent, inTransaction, type Sql } from '@reelay/store';

interface JournalOptions {
  sql: Sql;
  clock: Clock;
  logger: Logger;
  gateway: string;
  /** Called after rows were committed. */
  onWritten: () => void;
}

/** Openings and ends of one moment are one transaction. */
const GATHER_MS = 50;
const AGAIN_MS = 2_000;
/** While the database is away. The oldest go first: lists are right without them. */
const MOST = 2_000;
const LAST_MS = 1_000;
const CAUSE_LENGTH = 300;

/** Writes to the audit, which is the outbox of live events, when streams were opened and how they ended. Nobody waits for it. */
export class StreamJournal implements Service {
  readonly name = 'stream journal';
  readonly #options: JournalOptions;
  #rows: AuditEvent[] = [];
  #endTimer: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  async start(_ctx: Ctx): Promise<void> {
    await Promise.resolve();
  }

  /** Writes what is left, for a second at most. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endTimer?.();
    this.#write();
    await waitAtMost(this.#options.clock, LAST_MS, this.#writing);
  }

  opened({ id, videoId }: Stream): void {
    this.#add({ topic: 'streams', entityId: id, event: 'opened', actor: this.#actor, detail: videoId });
  }

  ended(end: StreamEnd): void {
    const detail = JSON.stringify({ ...end, cause: end.cause.slice(0, CAUSE_LENGTH) });
    this.#add({ topic: 'streams', entityId: end.id, event: 'ended', actor: end.by ?? this.#actor, detail });
  }

  get #actor(): string {
    return `gateway:${this.#options.gateway}`;
  }

  #add(row: AuditEvent): void {
    this.#rows.push(row);
    if (this.#rows.length > MOST) this.#rows.shift();
    this.#later(GATHER_MS);
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    this.#endTimer ??= this.#options.clock.after(ms, () => {
      this.#endTimer = null;
      this.#write();
    });
  }

  #write(): void {
    this.#writing = this.#writing.then(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    const { sql, logger, onWritten } = this.#options;
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    try {
      await inTransaction(sql, (tx) => appendAudit(tx, ...rows));
      onWritten();
    } catch (error) {
      // A COMMIT that nobody heard of may have happened: an event twice does no harm, a lost one does.
      logger.debug({ code: errorCode(error), rows: rows.length }, 'streams not written to the audit; trying again');
      this.#rows = [...rows, ...this.#rows].slice(-MOST);
      this.#later(AGAIN_MS);
    }
  }
}
