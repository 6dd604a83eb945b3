import type { Done, JobOutcome, WorkOrder } from '@reelay/contracts';
import { hubJobType, type PublishedFile } from '@reelay/job-types/hub';
import { Gate, type Logger, ReelayError, toError } from '@reelay/runtime';
import {
  appendHubLog, type AttemptClaim, type AttemptOutcome, type AttemptRow, cancelJob, completeJob, createJobs, deleteIntent, endAttemptWrite, failAttempt, inTransaction, isCurrent,
  type JobRow, keepForRemovals, lockJob, type PublishIntent, readAttempt, readIntent, readJob, recordIntent, releaseAttempt, requireWrite, type Removal, saveIntentFiles,
  shedAttempt, startAttempt, trashedPaths, type Tx,
} from '@reelay/store';
import { buildOrder, hubJob } from '../assign/order.ts';
import { prepare } from '../assign/prepare.ts';
import { type Deps, hubEnvironment } from '../deps.ts';
import { asJobError } from './errors.ts';
import { FileWrites } from './file-writes.ts';
import { identifyRemovals, inspectParts, publishAll, removeFiles, removeKnown, unpublish } from './publish.ts';

/** Each completing transaction may need a second connection to note a choice of name: they must leave some free. */
const FINISH_AT_ONCE = 4;
type Verdict = 'settled' | 'stale';
type Completed = Extract<JobOutcome, { kind: 'completed' }>;

/** The agent reported a result for an attempt that is not running: nothing was applied. */
class AttemptNotRunning extends ReelayError {
  readonly code = 'attempt_not_running';
  constructor(jobId: string, status: string) {
    super('the attempt is not running', { jobId, status });
  }
}

/**
 * Brings attempts to their end, by any scheduler and any number of times.
 *
 *   done(completed) → parts inspected → intent stored ═▶ in one transaction, with the job's row locked:
 *        │                 │                files get their names, effects, follow-ups, final state, intent gone
 *        │                 └─ cancel was asked for → cancelled          └─ fails → taken back, failed or retried
 *   done(failed) → retry or failed    done(released) → pending    done(cancelled) → cancelled
 *
 * A crash after ═▶ leaves the intent: the leader repeats the transaction, which recognises files it has named already.
 */
export class Settler {
  readonly #deps: Deps;
  readonly #gate = new Gate(FINISH_AT_ONCE);
  readonly #fileWrites: FileWrites;
  readonly #logger: Logger;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#logger = deps.logger.child({ part: 'settle' });
    this.#fileWrites = new FileWrites(deps, this.#logger);
  }

  /** Results that wait for a file are told again, to another scheduler. */
  stop(): void {
    this.#fileWrites.stop();
  }

  /** What the agent is told: `stale` makes it remove its parts. @throws when the database is away; the agent repeats itself */
  async done(nodeId: string, { jobId, epoch, incarnation, outcome }: Done): Promise<Verdict> {
    const claim = { jobId, epoch, nodeId };
    const attempt = await readAttempt(this.#deps.sql, claim);
    if (!attempt || attempt.incarnation !== incarnation) return 'stale';
    const verdict = attempt.outcome === null ? await this.#settle(attempt, outcome) : verdictOnRepeat(attempt.outcome, outcome);
    if (verdict === 'stale') await this.#withdraw(claim);
    return verdict;
  }

  async #settle(attempt: AttemptRow, outcome: JobOutcome): Promise<Verdict> {
    const { jobId, epoch, nodeId, incarnation } = attempt;
    const claim = { jobId, epoch, nodeId };
    // Its word that it had started may still be on the way.
    if (attempt.startedAt === null && outcome.kind !== 'released') await startAttempt(this.#deps.sql, { ...claim, incarnation });
    this.#logger.info({ jobId, epoch, nodeId, outcome: outcome.kind }, 'attempt done');
    const verdict = outcome.kind === 'completed' ? await this.#complete(attempt, outcome) : await this.#end(attempt, outcome);
    this.#fileWrites.settled(claim);
    this.#deps.hints.changed();
    if (verdict === 'settled') return verdict;
    // The same message, told to two schedulers at once: the other one was first.
    const now = await readAttempt(this.#deps.sql, claim);
    return now?.outcome ? verdictOnRepeat(now.outcome, outcome) : 'stale';
  }

  /**
   * The agent is about to remove the parts of a stale attempt: an intent that is left must go first, for it knows its
   * file by the inode, which another file may get then.
   */
  async #withdraw({ jobId, epoch }: AttemptClaim): Promise<void> {
    const intent = await readIntent(this.#deps.sql, jobId, epoch);
    if (intent) await this.replay(intent);
  }

  /** Repeats the publishing of an attempt whose scheduler ended in the middle of it. */
  async replay(intent: PublishIntent): Promise<void> {
    const { jobId, epoch } = intent;
    this.#logger.warn({ jobId, epoch }, 'publishing repeated');
    const job = await readJob(this.#deps.sql, jobId);
    const claim = { jobId, epoch, nodeId: job?.nodeId ?? '' };
    if (job?.status === 'completed' && job.epoch === epoch) return this.#removeOld(intent, intent.removals);
    if (!job || !isCurrent(job, claim)) {
      await unpublish(this.#deps.library, intent.files);
      await removeFiles(this.#deps.library, intent.files.map(({ partPath }) => partPath));
      await deleteIntent(this.#deps.sql, jobId, epoch);
      return;
    }
    await this.#finish(claim, intent.outcome, intent.files);
    this.#deps.hints.changed();
  }

  async #end(claim: AttemptRow, outcome: Exclude<JobOutcome, Completed>): Promise<Verdict> {
    const row = await this.#withCurrent(claim, (tx, job) => {
      if (outcome.kind === 'failed') return failAttempt(tx, job, outcome.error, this.#retryPolicy);
      if (outcome.kind === 'cancelled' && job.cancelRequestedAt !== null) return cancelJob(tx, job, 'scheduler');
      if (outcome.kind === 'released' && outcome.cause === 'memory') return shedAttempt(tx, job, outcome.reason, this.#retryPolicy);
      return releaseAttempt(tx, job, outcome.kind === 'released' ? outcome.reason : 'the work was ended');
    }).catch((thrown: unknown) => this.#endAnyway(claim, thrown));
    if (row && claim.workOrder) await this.#dropParts(claim.workOrder);
    return row ? 'settled' : 'stale';
  }

  /** The end as told cannot be stored (its words, say): the agent would repeat it for ever. @throws when the database is away */
  #endAnyway(claim: AttemptClaim, thrown: unknown): Promise<JobRow | null> {
    const error = asJobError(thrown, 'outcome_unreadable');
    if (error === null) throw thrown;
    this.#logger.error({ err: toError(thrown), jobId: claim.jobId, epoch: claim.epoch }, 'end of an attempt cannot be stored');
    return this.#withCurrent(claim, (tx, job) => failAttempt(tx, job, error, this.#retryPolicy));
  }

  async #complete(attempt: AttemptRow, outcome: Completed): Promise<Verdict> {
    const { sql, library } = this.#deps;
    const intended = await readIntent(sql, attempt.jobId, attempt.epoch);
    if (intended) return this.#finish(attempt, intended.outcome, intended.files);
    const job = await readJob(sql, attempt.jobId);
    if (!job || !isCurrent(job, attempt)) return 'stale';
    try {
      const order = attempt.workOrder ?? (await buildOrder(this.#deps, job, prepare));
      const files = await inspectParts(library, order, outcome.files);
      const ticket = await this.#fileWrites.hold(job, files);
      const row = await this.#withCurrent(attempt, async (tx, current) => {
        if (current.cancelRequestedAt !== null) {
          await endAttemptWrite(tx, attempt);
          return cancelJob(tx, current, 'scheduler');
        }
        if (ticket !== null) await requireWrite(tx, ticket);
        if (files.length > 0) await recordIntent(tx, { jobId: attempt.jobId, epoch: attempt.epoch, outcome, files });
        return current;
      });
      if (!row) {
        if (ticket !== null) await inTransaction(sql, (tx) => endAttemptWrite(tx, attempt));
        return 'stale';
      }
      if (row.status !== 'cancelled') return await this.#finish(attempt, outcome, files);
      await this.#dropParts(order);
      return 'settled';
    } catch (thrown) {
      return this.#giveUp(attempt, thrown, [], attempt.workOrder?.outputs.map(({ partPath }) => partPath) ?? []);
    }
  }

  /** The completing transaction. The row's lock keeps cancel, pause, expiry and a repeat of this waiting until it is over. */
  async #finish(claim: AttemptClaim, outcome: Completed, files: PublishIntent['files']): Promise<Verdict> {
    const { sql, library } = this.#deps;
    try {
      const removals = await this.#gate.run(() => this.#withCurrent(claim, async (tx, job) => {
        const note = (): Promise<void> => saveIntentFiles(sql, claim.jobId, claim.epoch, files);
        return this.#apply(tx, job, outcome, await publishAll(library, job.id, files, note));
      }));
      if (!removals) return 'stale';
      if (removals.length > 0) {
        await this.#removeOld(claim, removals).catch((error: unknown) => this.#logger.warn({ err: toError(error), jobId: claim.jobId }, 'old file not removed yet'));
      }
      return 'settled';
    } catch (thrown) {
      return this.#giveUp(claim, thrown, files, files.map(({ partPath }) => partPath));
    }
  }

  /** The last step of a completed job: what it replaced or moved goes, and then the intent that would repeat this. */
  async #removeOld({ jobId, epoch }: Pick<AttemptClaim, 'jobId' | 'epoch'>, removals: readonly Removal[]): Promise<void> {
    await removeKnown(this.#deps.library, removals);
    await deleteIntent(this.#deps.sql, jobId, epoch);
  }

  async #apply(tx: Tx, job: JobRow, outcome: Completed, published: PublishedFile[]): Promise<Removal[]> {
    const { followUps, log, removeAfter, params } = await hubJobType(job.type).apply(tx, hubJob(job), outcome.result, published, hubEnvironment(this.#deps));
    await appendHubLog(tx, job.id, job.epoch, 'after', log.map((text) => ({ text })));
    if (!(await completeJob(tx, job, { params }))) throw new AttemptNotRunning(job.id, job.status);
    await createJobs(tx, followUps.map(({ type, params: wanted, priority }) => ({ id: this.#deps.newId(), type, params: wanted, priority, createdBy: job.createdBy })), `job:${job.id}`);
    const replaced = published.flatMap(({ replacedPath }) => replacedPath ?? []);
    // What a video in the trash still refers to stays.
    const kept = new Set(await trashedPaths(tx, replaced));
    const removals = await identifyRemovals(this.#deps.library, [...removeAfter, ...replaced.filter((path) => !kept.has(path))]);
    if (removals.length > 0) await keepForRemovals(tx, job.id, job.epoch, removals);
    else await deleteIntent(tx, job.id, job.epoch);
    return removals;
  }

  /** Fails the attempt and takes its files back. @throws when the trouble is not the job's: everything stays for a repeat */
  async #giveUp(claim: AttemptClaim, thrown: unknown, files: PublishIntent['files'], parts: readonly string[]): Promise<Verdict> {
    const error = asJobError(thrown, 'publish_failed');
    if (error === null) throw thrown;
    this.#logger.warn({ err: toError(thrown), jobId: claim.jobId, epoch: claim.epoch }, 'result not accepted');
    const row = await this.#withCurrent(claim, async (tx, job) => {
      // Somebody else is publishing, which is why the parts are not there any more.
      if (files.length === 0 && (await readIntent(tx, job.id, job.epoch))) throw thrown;
      await unpublish(this.#deps.library, files);
      await deleteIntent(tx, job.id, job.epoch);
      return failAttempt(tx, job, error, this.#retryPolicy);
    });
    await removeFiles(this.#deps.library, parts);
    return row ? 'settled' : 'stale';
  }

  /** Runs `work` with the job's row locked, or answers null when the attempt is not the job's any more. */
  #withCurrent<T>(claim: AttemptClaim, work: (tx: Tx, job: JobRow) => Promise<T | null>): Promise<T | null> {
    return inTransaction(this.#deps.sql, async (tx) => {
      const job = await lockJob(tx, claim.jobId);
      return job && isCurrent(job, claim) ? work(tx, job) : null;
    });
  }

  get #retryPolicy(): { unitSeconds: number } {
    return { unitSeconds: this.#deps.timing.retryUnitMs / 1000 };
  }

  async #dropParts(order: WorkOrder): Promise<void> {
    await removeFiles(this.#deps.library, order.outputs.map(({ partPath }) => partPath))
      .catch((error: unknown) => this.#logger.warn({ err: toError(error), jobId: order.jobId }, 'parts not removed'));
  }
}

/** A done message sent twice: the same end is settled, another one means that the hub decided otherwise. */
const verdictOnRepeat = (before: AttemptOutcome, outcome: JobOutcome): Verdict => {
  if (before === 'lost' || before === 'refused') return 'stale';
  if (before === 'released') return outcome.kind === 'released' ? 'settled' : 'stale';
  return 'settled';
};
