import type { HeadReport } from '@reelay/contracts';
import type { HeadState } from './head-plan.ts';

/** A head as this gateway knows it: what it ordered, what has come, and what the node says of it. */
export interface HeadRecord {
  readonly id: string;
  readonly renditionId: string;
  readonly from: number;
  next: number;
  until: number;
  /** What the node was last told. */
  toldUntil: number;
  segmentMs: number | null;
  readonly startedMs: number;
  /** When the last segment came, and whether the head could go on right after it. */
  lastMs: number | null;
  wentOn: boolean;
  unwantedSinceMs: number | null;
  report: HeadReport | null;
  /** Answers of the node in a row that did not mention it. */
  unmentioned: number;
}

/** How much a new measurement counts. */
const NEWEST = 0.4;
/** A node that knows the session but not the head, so often, will not make anything of it. */
const FORGOTTEN_AFTER = 3;

export class HeadTable {
  readonly #heads = new Map<string, HeadRecord>();

  get size(): number {
    return this.#heads.size;
  }

  get all(): HeadRecord[] {
    return [...this.#heads.values()];
  }

  get(id: string): HeadRecord | undefined {
    return this.#heads.get(id);
  }

  add(head: { id: string; renditionId: string; from: number; until: number; nowMs: number }): HeadRecord {
    const { id, renditionId, from, until, nowMs } = head;
    const record: HeadRecord = {
      id, renditionId, from, next: from, until, toldUntil: until, segmentMs: null, startedMs: nowMs, lastMs: null, wentOn: false, unwantedSinceMs: null, report: null, unmentioned: 0,
    };
    this.#heads.set(id, record);
    return record;
  }

  delete(id: string): void {
    this.#heads.delete(id);
  }

  clear(): void {
    this.#heads.clear();
  }

  /** For the plan. */
  states(): HeadState[] {
    return this.all.map(({ id, renditionId, from, next, segmentMs, startedMs, unwantedSinceMs }) => ({ id, renditionId, from, next, segmentMs, startedMs, unwantedSinceMs }));
  }

  /** Segment `n` of a head has come: what it takes for one is measured while it is not held back. */
  published(head: HeadRecord, n: number, nowMs: number): void {
    if (head.lastMs !== null && head.wentOn && n === head.next) {
      const tookMs = nowMs - head.lastMs;
      head.segmentMs = head.segmentMs === null ? tookMs : head.segmentMs * (1 - NEWEST) + tookMs * NEWEST;
    }
    head.lastMs = nowMs;
    head.next = Math.max(head.next, n + 1);
    head.wentOn = head.next < head.toldUntil;
  }

  /** Takes note of what a node says that was told of the heads `asked`. Gives the heads that are over, with the reason; those are no longer here. */
  reported(reports: readonly HeadReport[], asked: ReadonlySet<string>, countOf: (renditionId: string) => number): { head: HeadRecord; failure: string | null }[] {
    const byId = new Map(reports.map((report) => [report.headId, report]));
    return this.all.flatMap((head) => {
      const report = byId.get(head.id);
      if (report === undefined) {
        if (!asked.has(head.id)) return [];
        head.unmentioned += 1;
        if (head.unmentioned < FORGOTTEN_AFTER) return [];
        this.#heads.delete(head.id);
        return [{ head, failure: 'the node knows nothing of it' }];
      }
      head.unmentioned = 0;
      head.report = report;
      if (report.state !== 'ended' && report.state !== 'failed') return [];
      this.#heads.delete(head.id);
      // However it ended: all of it is here.
      const isWhole = Math.max(head.next, report.next) >= countOf(head.renditionId);
      return [{ head, failure: isWhole ? null : (report.detail ?? 'the encoder ended early') }];
    });
  }
}
