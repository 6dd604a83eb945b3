import {
  ackSchema, type AttemptRef, type Done, doneReplySchema, type DoneReply, type Heartbeat, heartbeatReplySchema, type HeartbeatReply, type Hello,
  helloReplySchema, type HelloReply, type LogBatch, type NodeTopic, type Progress, PROTOCOL_VERSION, startedReplySchema, type StartedReply, subjects,
} from '@reelay/contracts';
import type { Clock, Ctx } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';

const REQUEST_MS = 3_000;
/** Settling a job checks and publishes its files first. */
const DONE_MS = 10_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/** Everything this node says to the hub. */
export class HubClient {
  readonly nodeId: string;
  /** Changes at each start; the newest wins a node id. */
  readonly incarnation: string;
  readonly #bus: Bus;
  readonly #clock: Clock;

  constructor(bus: Bus, nodeId: string, incarnation: string, clock: Clock) {
    this.#bus = bus;
    this.nodeId = nodeId;
    this.incarnation = incarnation;
    this.#clock = clock;
  }

  hello(message: Omit<Hello, 'v' | 'incarnation'>): Promise<HelloReply> {
    return this.#bus.request(this.#subject('hello'), this.#signed(message), { timeoutMs: REQUEST_MS, schema: helloReplySchema });
  }

  heartbeat(message: Omit<Heartbeat, 'v' | 'incarnation'>): Promise<HeartbeatReply> {
    return this.#bus.request(this.#subject('heartbeat'), this.#signed(message), { timeoutMs: REQUEST_MS, schema: heartbeatReplySchema });
  }

  started(attempt: AttemptRef): Promise<StartedReply> {
    return this.#bus.request(this.#subject('started'), this.#signed(attempt), { timeoutMs: REQUEST_MS, schema: startedReplySchema });
  }

  async log(batch: Omit<LogBatch, 'v' | 'incarnation'>): Promise<void> {
    await this.#bus.request(this.#subject('log'), this.#signed(batch), { timeoutMs: REQUEST_MS, schema: ackSchema });
  }

  done(message: Omit<Done, 'v' | 'incarnation'>): Promise<DoneReply> {
    return this.#bus.request(this.#subject('done'), this.#signed(message), { timeoutMs: DONE_MS, schema: doneReplySchema });
  }

  /** Fire and forget: the next one is newer anyway. */
  progress(message: Omit<Progress, 'v'>): void {
    this.#bus.publish(this.#subject('progress'), { v: PROTOCOL_VERSION, ...message });
  }

  /**
   * Repeats `ask` until it is answered: 0.1 s, 0.2 s … 2 s apart, and at once when the connection is back.
   * `onFailure` may throw to give up. @throws the cause when `ctx` ends, or what `onFailure` throws
   */
  async untilAnswered<T>(ctx: Ctx, ask: () => Promise<T>, onFailure: (error: unknown) => void = () => {}): Promise<T> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
      ctx.throwIfCancelled();
      try {
        return await ask();
      } catch (error) {
        onFailure(error);
      }
      await this.#pause(ctx, waitMs);
    }
  }

  #pause(ctx: Ctx, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const undo: (() => void)[] = [];
      const finish = (): void => {
        for (const fn of undo) fn();
        resolve();
      };
      undo.push(this.#clock.after(ms, finish));
      undo.push(this.#bus.onStatus((status) => {
        if (status === 'reconnected') finish();
      }));
      undo.push(ctx.onCancel(finish));
    });
  }

  #subject(topic: NodeTopic): string {
    return subjects.node(this.nodeId, topic);
  }

  #signed<T extends object>(message: T): T & { v: number; incarnation: string } {
    return { v: PROTOCOL_VERSION, incarnation: this.incarnation, ...message };
  }
}
