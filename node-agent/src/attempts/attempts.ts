import type { AssignReply, AttemptRef, ResourceCategory, WorkOrder } from '@reelay/contracts';
import type { Clock, Logger } from '@reelay/runtime';
import type { HubClient } from '../hub/hub-client.ts';
import type { JobWorker } from '../process/job-worker.ts';
import type { JobContext } from '../process/protocol.ts';
import { type NodeState, recognise, refuse, type Refusal } from './admission.ts';
import { Attempt } from './attempt.ts';
import { mustStop } from './lease-fence.ts';
import type { EndReason } from './end-reason.ts';

export interface AttemptsOptions {
  hub: HubClient;
  clock: Clock;
  logger: Logger;
  takeWorker: () => JobWorker;
  /** An order was accepted. */
  onTaken: () => void;
  /** What the node can take right now, apart from what runs here. */
  node: () => Omit<NodeState, 'running' | 'bookedMb'>;
  contextFor: (order: WorkOrder) => JobContext;
  cleanUp: (order: WorkOrder, keepParts: boolean) => Promise<void>;
}

type AssignResult = AssignReply['results'][number];

/** Epochs of jobs that ran here are remembered, so that a late duplicate does not run twice. */
const REMEMBERED = 10_000;

/** All attempts of this node, and the rules for taking and ending them. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #current = new Map<string, Attempt>();
  /** Also those that another attempt of the same job pushed aside. */
  readonly #all = new Set<Attempt>();
  readonly #newestEpoch = new Map<string, number>();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Takes an order or says why not. Sending it again is harmless. */
  assign(order: WorkOrder): AssignResult {
    const ref = { jobId: order.jobId, epoch: order.epoch };
    const current = this.#current.get(order.jobId);
    const known = recognise(order.epoch, current?.ref.epoch ?? null, this.#newestEpoch.get(order.jobId) ?? 0);
    if (known.kind === 'current') return { ...ref, accepted: true, refusal: null };
    if (known.kind === 'stale') return refused(ref, { code: 'stale_epoch', detail: `epoch ${known.newestEpoch} of this job was here already` });
    const refusal = refuse(order, this.#nodeState());
    if (refusal) return refused(ref, refusal);
    current?.end({ kind: 'stale', why: `superseded by attempt ${order.epoch} of the job` });
    this.#start(order);
    return { ...ref, accepted: true, refusal: null };
  }

  /** Every attempt that the hub should know to be here, reported ones included. */
  running(): AttemptRef[] {
    return [...this.#current.values()].map((attempt) => attempt.ref);
  }

  get size(): number {
    return this.#all.size;
  }

  /** The attempt with this very epoch. */
  find({ jobId, epoch }: AttemptRef): Attempt | undefined {
    const attempt = this.#current.get(jobId);
    return attempt?.ref.epoch === epoch ? attempt : undefined;
  }

  /** The attempt whose process has this id. */
  ofProcess(processId: string): Attempt | undefined {
    return [...this.#all].find((attempt) => attempt.occupies && attempt.process.id === processId);
  }

  /** The hub renewed these leases in answer to a heartbeat sent at `sentMs`, for `leaseMs` from then on. */
  renewed(refs: readonly AttemptRef[], sentMs: number, leaseMs: number): void {
    for (const ref of refs) {
      const attempt = this.find(ref);
      if (!attempt || sentMs < attempt.renewedMs) continue;
      attempt.renewedMs = sentMs;
      attempt.leaseMs = leaseMs;
    }
  }

  /** The shortest lease held; Infinity when nothing runs. */
  get shortestLeaseMs(): number {
    return Math.min(Infinity, ...[...this.#all].map(({ leaseMs }) => leaseMs));
  }

  /** Ends attempts whose lease may be another node's by now. */
  fence(nowMs: number): void {
    for (const attempt of this.#all) {
      const { effects, leaseMs, renewedMs } = attempt;
      if (attempt.state !== 'running' || !mustStop({ effects, leaseMs, renewedMs }, nowMs)) continue;
      const silentSeconds = Math.round((nowMs - renewedMs) / 1000);
      this.#options.logger.warn({ ...attempt.ref, silentSeconds }, 'no word from the hub: the lease may be lost');
      attempt.end({ kind: 'released', by: 'silence', reason: `the node heard nothing from the hub for ${silentSeconds} s` });
    }
  }

  /** MB booked on a device by jobs whose process is alive. */
  bookedMb(deviceId: string): number {
    let sum = 0;
    for (const { order, occupies } of this.#all) if (occupies && order.deviceId === deviceId) sum += order.vramMb;
    return sum;
  }

  /** Ends all of them; resolves when their processes are gone. */
  async endAll(reason: EndReason): Promise<void> {
    const attempts = [...this.#all];
    for (const attempt of attempts) attempt.end(reason);
    await Promise.all(attempts.map((attempt) => attempt.exited));
  }

  /** Resolves when the hub knows how all of them ended; the caller sets the deadline. */
  async allOver(): Promise<void> {
    await Promise.all([...this.#all].map((attempt) => attempt.over));
  }

  /** Stops waiting for the hub; what it was not told, it learns from the silence. */
  abandonAll(cause: Error): void {
    for (const attempt of this.#all) attempt.abandon(cause);
  }

  #start(order: WorkOrder): void {
    const { takeWorker, hub, clock, logger, contextFor, cleanUp } = this.#options;
    const attempt = new Attempt({
      order, hub, clock, logger, context: contextFor(order), worker: takeWorker(), cleanUp: (keepParts) => cleanUp(order, keepParts),
    });
    logger.info({ ...attempt.ref, type: order.type, deviceId: order.deviceId }, 'job accepted');
    this.#current.set(order.jobId, attempt);
    this.#all.add(attempt);
    this.#remember(order);
    void attempt.over.then(() => this.#forget(attempt));
    this.#options.onTaken();
  }

  #forget(attempt: Attempt): boolean {
    if (this.#current.get(attempt.ref.jobId) === attempt) this.#current.delete(attempt.ref.jobId);
    return this.#all.delete(attempt);
  }

  #remember({ jobId, epoch }: WorkOrder): void {
    this.#newestEpoch.delete(jobId);
    this.#newestEpoch.set(jobId, epoch);
    if (this.#newestEpoch.size <= REMEMBERED) return;
    const [oldest] = this.#newestEpoch.keys();
    if (oldest !== undefined) this.#newestEpoch.delete(oldest);
  }

  #nodeState(): NodeState {
    const running: Record<ResourceCategory, number> = { cpu: 0, gpu_encode: 0, gpu_ai: 0 };
    for (const attempt of this.#all) if (attempt.occupies) running[attempt.order.category] += 1;
    return { ...this.#options.node(), running, bookedMb: (deviceId) => this.bookedMb(deviceId) };
  }
}

const refused = (ref: AttemptRef, refusal: Refusal): AssignResult => ({ ...ref, accepted: false, refusal: { ...refusal, detail: refusal.detail.slice(0, 500) } });
