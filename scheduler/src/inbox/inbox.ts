import {
  doneSchema, type DoneReply, heartbeatSchema, type Heartbeat, type HeartbeatReply, helloSchema, type Hello, type HelloReply, logBatchSchema, nodeIdOf,
  progressSchema, type Progress, SCHEDULER_GROUP, startedSchema, type StartedReply, subjects,
} from '@reelay/contracts';
import { type Logger, ReelayError, type Service, toError } from '@reelay/runtime';
import type { BusSubscription, MessageInfo } from '@reelay/runtime/bus';
import { appendAgentLog, loseOldIncarnations, recordHeartbeat, registerNode, renewLeases, renewSessions, saveProgress, startAttempt } from '@reelay/store';
import type { HoldOffs } from '../assign/hold-off.ts';
import type { Deps } from '../deps.ts';
import { dropLostParts } from '../settle/lost-parts.ts';
import type { Settler } from '../settle/settler.ts';

/** The subject names no node. */
class SubjectWithoutNode extends ReelayError {
  readonly code = 'subject_without_node';
  constructor(subject: string) {
    super('the subject names no node', { subject });
  }
}

const FLUSH_MS = 5_000;
/** An agent that gave back its jobs ends within so long, or has said hello again. */
const STOPPING_MS = 4_000;

const nodeIn = ({ subject }: MessageInfo): string => {
  const nodeId = nodeIdOf(subject);
  if (nodeId === null) throw new SubjectWithoutNode(subject);
  return nodeId;
};

/**
 * What nodes say, answered by whichever scheduler the queue group picks. Who speaks is the subject's node, which the
 * server binds to its credentials; a payload claims nothing but its incarnation.
 */
export class Inbox implements Service {
  readonly name = 'inbox';
  readonly #deps: Deps;
  readonly #settler: Settler;
  readonly #holdOffs: HoldOffs;
  readonly #logger: Logger;
  #subscriptions: BusSubscription[] = [];

  constructor(deps: Deps, settler: Settler, holdOffs: HoldOffs) {
    this.#deps = deps;
    this.#settler = settler;
    this.#holdOffs = holdOffs;
    this.#logger = deps.logger.child({ part: 'inbox' });
  }

  async start(): Promise<void> {
    const { bus } = this.#deps;
    const shared = { queue: SCHEDULER_GROUP };
    this.#subscriptions = [
      bus.serve(subjects.anyNode('hello'), shared, helloSchema, (message, info) => this.hello(nodeIn(info), message)),
      bus.serve(subjects.anyNode('heartbeat'), shared, heartbeatSchema, (message, info) => this.heartbeat(nodeIn(info), message)),
      bus.serve(subjects.anyNode('started'), shared, startedSchema, async (message, info): Promise<StartedReply> => {
        const { current, changed } = await startAttempt(this.#deps.sql, { ...message, nodeId: nodeIn(info) });
        if (changed) this.#deps.hints.outbox();
        return { ok: true, current };
      }),
      bus.serve(subjects.anyNode('log'), shared, logBatchSchema, async (message, info) => {
        await appendAgentLog(this.#deps.sql, nodeIn(info), message);
        return { ok: true };
      }),
      bus.serve(subjects.anyNode('done'), shared, doneSchema, async (message, info): Promise<DoneReply> => {
        const nodeId = nodeIn(info);
        // Before the job is in the queue again, or it would be offered to the very agent that ends.
        if (message.outcome.kind === 'released' && message.outcome.cause === 'shutdown') this.#holdOffs.hold(nodeId, 'its agent stops', STOPPING_MS);
        return { ok: true, verdict: await this.#settler.done(nodeId, message) };
      }),
      bus.subscribe(subjects.anyNode('progress'), progressSchema, (message, info) => this.#progress(nodeIn(info), message), shared),
    ];
    // Whoever is told that this scheduler is ready may speak at once.
    await bus.flush(FLUSH_MS);
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  async hello(nodeId: string, hello: Hello): Promise<HelloReply> {
    const { sql, timing, libraryId, hints } = this.#deps;
    const { node, superseded, fresh } = await registerNode(sql, nodeId, hello);
    if (superseded) {
      this.#logger.warn({ nodeId, incarnation: hello.incarnation }, 'an earlier start of the agent said hello');
    } else {
      if (fresh) this.#logger.info({ nodeId, incarnation: hello.incarnation }, 'node registered');
      // Each time: the scheduler that heard the first hello may have died in the middle of this.
      await dropLostParts(this.#deps, await loseOldIncarnations(sql, nodeId, hello.incarnation));
      this.#holdOffs.forget(nodeId);
      hints.changed();
    }
    return { ok: true, heartbeatMs: timing.heartbeatMs, leaseMs: timing.leaseMs, adminState: node.adminState, libraryId };
  }

  async heartbeat(nodeId: string, beat: Heartbeat): Promise<HeartbeatReply> {
    const { sql, timing, hints } = this.#deps;
    const seen = await recordHeartbeat(sql, nodeId, beat);
    const reply = { ok: true as const, heartbeatMs: timing.heartbeatMs, leaseMs: timing.leaseMs };
    if (seen.kind !== 'known') {
      const kill = seen.kind === 'superseded' ? beat.running.map((ref) => ({ ...ref, reason: 'stale' as const })) : [];
      return { ...reply, known: false, superseded: seen.kind === 'superseded', renewed: [], kill, adminState: 'active' };
    }
    const [renewal, sessions] = await Promise.all([
      renewLeases(sql, { nodeId, incarnation: beat.incarnation, running: beat.running }, timing.leaseMs),
      renewSessions(sql, { nodeId, incarnation: beat.incarnation, sessions: beat.sessions ?? [] }, timing.leaseMs),
    ]);
    if (seen.recovered) hints.changed();
    return { ...reply, known: true, superseded: false, adminState: seen.adminState, drainMs: seen.drainMs, endSessions: sessions.unknown, ...renewal };
  }

  #progress(nodeId: string, progress: Progress): void {
    if (!progress.checkpoint) return;
    saveProgress(this.#deps.sql, nodeId, progress).catch((error: unknown) => this.#logger.debug({ err: toError(error), jobId: progress.jobId }, 'progress not stored'));
  }
}
