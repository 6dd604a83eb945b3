import { type AssignReply, assignReplySchema, type JobError, PROTOCOL_VERSION, subjects, type WorkOrder } from '@reelay/contracts';
import { errorCode, type Logger, toError } from '@reelay/runtime';
import { RemoteError } from '@reelay/runtime/bus';
import { failAttempt, inTransaction, isCurrent, type JobRow, lockJob, readUnanswered, saveWorkOrders, unplaceAttempt } from '@reelay/store';
import type { Deps } from '../deps.ts';
import { asJobError } from '../settle/errors.ts';
import type { HoldOffs } from './hold-off.ts';
import { buildOrder } from './order.ts';
import { prepareReading } from './prepare.ts';

const RESEND_LIMIT = 200;
/** Keeps a request well below the server's 1 MB. */
const ORDERS_PER_REQUEST = 20;
const JOB_HOLD_OFF_MS = 10_000;
const NODE_HOLD_OFF_MS = 4_000;
/** What is full is often free again in a moment: the agent may still be ending what the hub has given back. */
const FULL_HOLD_OFF_MS = 500;
const FULL: ReadonlySet<string> = new Set(['no_slot', 'no_vram']);
/** Refusals that are about the node, not about the job. */
const NODE_REFUSALS: ReadonlySet<string> = new Set(['draining', 'wrong_incarnation', 'memory_pressure']);
/** What a request ends with when nobody can tell whether it arrived. */
const UNKNOWN: ReadonlySet<string> = new Set(['request_timeout', 'bus_disconnected', 'bus_closed']);

interface Offer {
  job: JobRow;
  order: WorkOrder;
}

/**
 * Takes placed jobs to their nodes.
 *
 *   placed ──order built──▶ offered ──accepted──▶ (the agent says `started`)
 *     │                       │ ├──refused, nobody there──▶ unplaced, held off for a moment
 *     └──cannot be built──▶ failed │
 *                             └──no answer: unknown──▶ offered again by the sweep, same epoch
 */
export class Assigner {
  readonly #deps: Deps;
  readonly #holdOffs: HoldOffs;
  readonly #logger: Logger;
  readonly #underway = new Set<string>();
  readonly #tasks = new Set<Promise<void>>();

  constructor(deps: Deps, holdOffs: HoldOffs) {
    this.#deps = deps;
    this.#holdOffs = holdOffs;
    this.#logger = deps.logger.child({ part: 'assign' });
  }

  /** Builds the orders and offers them, one request per node; returns at once. */
  offer(jobs: readonly JobRow[], known: ReadonlyMap<string, WorkOrder> = new Map()): void {
    const fresh = jobs.filter((job) => !this.#underway.has(keyOf(job)));
    for (const job of fresh) this.#underway.add(keyOf(job));
    for (const [nodeId, batch] of groupByNode(fresh)) {
      const task = this.#toNode(nodeId, batch, known)
        .catch((error: unknown) => this.#logger.error({ err: toError(error), nodeId }, 'offer failed'))
        .finally(() => {
          for (const job of batch) this.#underway.delete(keyOf(job));
          this.#tasks.delete(task);
        });
      this.#tasks.add(task);
    }
  }

  /** Offers again what no agent has started: the offer, its reply, or the scheduler before this one was lost. */
  async resend(): Promise<void> {
    const unanswered = await readUnanswered(this.#deps.sql, this.#deps.timing.resendMs, RESEND_LIMIT);
    if (unanswered.length === 0) return;
    this.#logger.info({ count: unanswered.length }, 'offering again');
    this.offer(unanswered.map(({ job }) => job), new Map(unanswered.flatMap(({ job, workOrder }) => (workOrder ? [[keyOf(job), workOrder] as const] : []))));
  }

  /** Resolves when everything underway has been answered or given up. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  async #toNode(nodeId: string, jobs: readonly JobRow[], known: ReadonlyMap<string, WorkOrder>): Promise<void> {
    const built = await Promise.all(jobs.map((job) => this.#order(job, known.get(keyOf(job)))));
    const offers = built.filter((offer) => offer !== null);
    const unsaved = offers.filter(({ job }) => !known.has(keyOf(job))).map(({ order }) => order);
    // Beside the request, not before it: a start must not wait for it, and an order that is missing can be made again.
    const saved = saveWorkOrders(this.#deps.sql, unsaved).catch((error: unknown) => this.#logger.warn({ err: toError(error) }, 'work orders not stored'));
    for (let at = 0; at < offers.length; at += ORDERS_PER_REQUEST) await this.#send(nodeId, offers.slice(at, at + ORDERS_PER_REQUEST));
    await saved;
  }

  /** Null: the job cannot be prepared and was failed. */
  async #order(job: JobRow, known: WorkOrder | undefined): Promise<Offer | null> {
    if (known) return { job, order: known };
    try {
      return { job, order: await buildOrder(this.#deps, job, prepareReading) };
    } catch (thrown) {
      const error = asJobError(thrown, 'prepare_failed');
      // The sweep offers it again; the others of the batch must not wait for it.
      if (error === null) this.#logger.warn({ err: toError(thrown), jobId: job.id, epoch: job.epoch }, 'job not prepared for now');
      else await this.#fail(job, error);
      return null;
    }
  }

  async #fail(job: JobRow, error: JobError): Promise<void> {
    this.#logger.info({ jobId: job.id, epoch: job.epoch, code: error.code }, 'job cannot be prepared');
    const claim = { jobId: job.id, epoch: job.epoch, nodeId: job.nodeId ?? '' };
    await inTransaction(this.#deps.sql, async (tx) => {
      const row = await lockJob(tx, job.id);
      if (row?.status === 'queued' && isCurrent(row, claim)) await failAttempt(tx, row, error, { unitSeconds: this.#deps.timing.retryUnitMs / 1000 });
    });
    this.#deps.hints.changed();
  }

  async #send(nodeId: string, offers: readonly Offer[]): Promise<void> {
    const incarnation = offers[0]?.job.incarnation;
    if (!incarnation) return;
    const message = { v: PROTOCOL_VERSION, incarnation, orders: offers.map(({ order }) => order) };
    let reply: AssignReply;
    try {
      reply = await this.#deps.bus.request(subjects.agent(nodeId, 'assign'), message, { timeoutMs: this.#deps.timing.offerMs, schema: assignReplySchema });
    } catch (thrown) {
      const error = toError(thrown);
      const code = errorCode(thrown) ?? 'unknown';
      if (code === 'message_too_large') return this.#sendApart(nodeId, offers, { code, message: error.message, retryable: false });
      // As it arrived: an agent of another version may understand less.
      if (thrown instanceof RemoteError && thrown.remoteCode === 'bad_message') {
        return this.#sendApart(nodeId, offers, { code: 'order_refused', message: `The node does not understand the work order: ${error.message}`, retryable: true });
      }
      this.#logger.info({ nodeId, jobs: offers.length, code }, UNKNOWN.has(code) ? 'offer not answered' : 'offer not taken');
      if (UNKNOWN.has(code)) return;
      this.#holdOffs.add(nodeId, null, code === 'no_responders' ? 'its agent does not answer' : error.message, NODE_HOLD_OFF_MS);
      for (const { job } of offers) await this.#unplace(job, { code, message: error.message });
      return;
    }
    for (const result of reply.results) {
      const offer = offers.find(({ job }) => job.id === result.jobId && job.epoch === result.epoch);
      if (!offer || result.accepted) continue;
      const refusal = result.refusal ?? { code: 'refused', detail: 'no reason given' };
      const aboutNode = NODE_REFUSALS.has(refusal.code);
      const firstMs = aboutNode ? NODE_HOLD_OFF_MS : FULL.has(refusal.code) ? FULL_HOLD_OFF_MS : JOB_HOLD_OFF_MS;
      this.#holdOffs.add(nodeId, aboutNode ? null : result.jobId, refusal.detail, firstMs);
      await this.#unplace(offer.job, { code: refusal.code, message: refusal.detail });
    }
  }

  /** One of the orders cannot be sent: halves find it, and only its job fails. */
  async #sendApart(nodeId: string, offers: readonly Offer[], failure: JobError): Promise<void> {
    const [first] = offers;
    if (!first) return;
    if (offers.length === 1) return this.#fail(first.job, failure);
    const half = Math.ceil(offers.length / 2);
    await this.#send(nodeId, offers.slice(0, half));
    await this.#send(nodeId, offers.slice(half));
  }

  async #unplace(job: JobRow, why: { code: string; message: string }): Promise<void> {
    const row = await unplaceAttempt(this.#deps.sql, job.id, job.epoch, why);
    if (row) this.#deps.hints.changed();
  }
}

const keyOf = (job: JobRow): string => `${job.id}.${job.epoch}`;

const groupByNode = (jobs: readonly JobRow[]): Map<string, JobRow[]> => {
  const groups = new Map<string, JobRow[]>();
  for (const job of jobs) groups.set(job.nodeId ?? '', [...(groups.get(job.nodeId ?? '') ?? []), job]);
  return groups;
};
